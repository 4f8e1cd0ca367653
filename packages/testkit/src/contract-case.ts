import { describe, it } from 'vitest';

/** A case of a contract as data: registered for a connector that claims the class, run on a broken one to see it fail. */
export interface ContractCase<Driver> {
  /** Ends with the invariant that it proves. */
  readonly name: string;
  readonly run: (driver: Driver) => Promise<void>;
}

export function describeCases<Driver>(title: string, cases: readonly ContractCase<Driver>[], driver: Driver): void {
  describe(title, () => {
    for (const { name, run } of cases) it(name, async () => await expectHolds(run(driver)));
  });
}

/** A case holds when nothing in it fails. */
async function expectHolds(run: Promise<void>): Promise<void> {
  await run;
}
