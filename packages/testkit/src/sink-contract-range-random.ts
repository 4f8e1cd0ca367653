import fc from 'fast-check';
import { expect, it } from 'vitest';
import { unchanged, type BatchBuilder, type RowValues } from '@weir/sdk';
import { testSeed } from './seed.ts';
import { ordersTable } from './sink-contract-tables.ts';
import type { SinkDriver } from './sink-driver.ts';
import { SinkRun } from './sink-run.ts';

const orders = ordersTable();
const KEYS = 12;

/** A change of one row as drawn: which one depends on whether its key is there. */
interface Change {
  readonly key: number;
  readonly to: number;
  readonly kind: 'update' | 'delete' | 'move';
  readonly keepsNote: boolean;
}

/** What happens next at the sink. */
type Step =
  | { readonly kind: 'stream'; readonly changes: readonly Change[] }
  | { readonly kind: 'copy'; readonly after: number | null; readonly rows: number | null; readonly holds: readonly number[] }
  | { readonly kind: 'commit' | 'restart' };

const drawnKey = fc.integer({ min: 1, max: KEYS });
const change: fc.Arbitrary<Change> = fc.record({
  key: drawnKey,
  to: drawnKey,
  kind: fc.constantFrom('update', 'update', 'delete', 'move'),
  keepsNote: fc.boolean(),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('stream' as const), changes: fc.array(change, { maxLength: 6 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('copy' as const),
      after: fc.option(fc.integer({ min: 0, max: KEYS })),
      rows: fc.option(fc.integer({ min: 1, max: KEYS })),
      holds: fc.subarray(Array.from({ length: KEYS }, (_, index) => index + 1)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('commit' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
);

export function describeRandomRanges(driver: SinkDriver): void {
  it.each(['hard', 'soft'] as const)(
    `between rows of the stream ends in what was read last, with %s deletes (invariants 4, 7; WEIR_SEED=${testSeed})`,
    { timeout: 120_000 },
    async (deletes) => {
      const property = fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 20 }), async (steps) => {
        await using run = await SinkRun.with(driver, orders, () => {}, { deletes });
        await new RandomRanges(run).play(steps);
      });
      await fc.assert(property, { seed: testSeed, numRuns: 25, endOnFailure: process.env['CI'] === 'true' });
    },
  );
}

/** Plays steps to a sink. Its rows of before a change are known, so that the stream has only what can happen. */
class RandomRanges {
  #run: SinkRun;
  #rows = new Map<number, RowValues>();
  #committed = new Map<number, RowValues>();
  #notes = 0;

  constructor(run: SinkRun) {
    this.#run = run;
  }

  async play(steps: readonly Step[]): Promise<void> {
    for (const next of steps) {
      if (next.kind === 'stream') await this.#run.transaction((rows) => this.#stream(rows, next.changes));
      else if (next.kind === 'copy') await this.#copy(next);
      else if (next.kind === 'commit') await this.#commit();
      else await this.#restart();
    }
    await this.#commit();
    expect((await this.#run.expectSame(orders)).map(([id]) => Number(id)).toSorted((a, b) => a - b)).toEqual(
      Array.from(this.#rows.keys()).toSorted((a, b) => a - b),
    );
  }

  async #commit(): Promise<void> {
    await this.#run.commit();
    this.#committed = new Map(this.#rows);
  }

  async #restart(): Promise<void> {
    this.#run = await this.#run.restart();
    this.#rows = new Map(this.#committed);
  }

  async #copy({ after, rows, holds }: Step & { readonly kind: 'copy' }): Promise<void> {
    const upTo = rows === null ? null : (after ?? 0) + rows;
    const isIn = (key: number): boolean => key > (after ?? 0) && key <= (upTo ?? KEYS);
    for (const key of this.#rows.keys()) if (isIn(key)) this.#rows.delete(key);
    const read = holds.filter(isIn).map((key) => this.#row(key));
    const ends = { after: after === null ? null : [String(after)], upTo: upTo === null ? null : [String(upTo)] };
    await this.#run.copy(orders, ends, read);
  }

  #stream(rows: BatchBuilder, changes: readonly Change[]): void {
    for (const { key, to, kind, keepsNote } of changes) {
      const old = this.#rows.get(key);
      const isMove = kind === 'move' && !this.#rows.has(to);
      if (old !== undefined) this.#rows.delete(key);
      if (old === undefined) {
        rows.insert(orders, this.#row(key));
      } else if (kind === 'delete') {
        rows.delete(orders, { id: key });
      } else {
        const row = this.#row(isMove ? to : key);
        const before: RowValues | null = isMove ? { id: key, note: unchanged, amount: unchanged, paid: unchanged } : null;
        rows.update(orders, keepsNote ? { ...row, note: unchanged } : row, before);
      }
    }
  }

  #row(id: number): RowValues {
    const row = { id, note: `note ${++this.#notes}`, amount: `${this.#notes}.00`, paid: null };
    this.#rows.set(id, row);
    return row;
  }
}
