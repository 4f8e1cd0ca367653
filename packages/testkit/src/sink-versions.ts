import { BatchBuilder, filterRows, type Batch, type Commit, type KeyRange, type Table } from '@weir/sdk';
import type { DrivenSession } from './driven-session.ts';
import { ordersTable, projected } from './sink-contract-tables.ts';
import type { IdempotentDriver, ServedEnvironment } from './sink-driver.ts';
import { SinkHarness } from './sink-harness.ts';
import { spoiled } from './spoiled-batch.ts';
import type { Cells } from './table-content.ts';

const orders = ordersTable();
const notes = projected(orders, 'id', 'note');

/** The rows of a batch. */
export type Fill = (rows: BatchBuilder) => BatchBuilder;

/** A sink that is given transactions by their versions, in any order and as often as a case likes. */
export class Versions implements AsyncDisposable {
  readonly environment: ServedEnvironment;
  readonly #harness: SinkHarness;
  #session: DrivenSession;

  private constructor(environment: ServedEnvironment, harness: SinkHarness, session: DrivenSession) {
    this.environment = environment;
    this.#harness = harness;
    this.#session = session;
  }

  /** The table is made, and empty. */
  static async start(driver: IdempotentDriver): Promise<Versions> {
    const environment = await driver.start();
    const harness = SinkHarness.at(environment, driver);
    const versions = new Versions(environment, harness, await harness.session());
    await versions.#give(new BatchBuilder().schemaChange({ table: orders, change: 'create' }).build(null));
    await versions.flush();
    return versions;
  }

  /** The session ends; the next one is of a new sink object, which knows what the store knows. */
  async restart(): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
    this.#session = await this.#harness.session();
  }

  /** Another runner; whoever was there before is a zombie now, given back to go on with. */
  async takeOver(): Promise<DrivenSession> {
    const zombie = this.#session;
    this.#session = await this.#harness.session();
    return zombie;
  }

  /** @param parts the batches of the transaction */
  async write(version: bigint | number, ...parts: readonly Fill[]): Promise<void> {
    const rows = begun(version);
    for (const fill of parts) {
      const batch = fill(rows).build(null);
      // Changes without rows belong to a transaction as well.
      await this.#give(batch.commits.length > 0 ? batch : { ...batch, commits: [commitOf(version)] });
    }
  }

  /** The first half of a transaction arrives, then the session dies. */
  async writeHalf(version: number, fill: Fill): Promise<void> {
    const batch = transaction(version, fill);
    await this.#give(filterRows(batch, (index) => index < batch.rows / 2));
    await this.flush();
    await this.restart();
  }

  /** A part of a copy. */
  async copy(version: number, range: KeyRange, fill: Fill): Promise<void> {
    const rows = fill(begun(version));
    await this.#give(rows.chunk(orders, { range, last: false }).build(null));
  }

  async flush(): Promise<void> {
    if (!('flush' in this.#session.inner)) throw new Error('a sink of class C is flushed');
    await this.#session.inner.flush();
  }

  /** What is there once it is flushed. */
  async cells(table: Table): Promise<Cells[]> {
    await this.flush();
    return await this.#harness.rows(table);
  }

  /** … as `1 a note`. */
  async rows(): Promise<string[]> {
    return (await this.cells(notes)).map(([id, note]) => `${String(id)} ${String(note)}`);
  }

  async #give(batch: Batch): Promise<void> {
    await this.#session.write(batch);
    spoiled(batch).release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#harness[Symbol.asyncDispose]();
  }
}

function begun(version: bigint | number): BatchBuilder {
  return new BatchBuilder().begin(commitOf(version));
}

function commitOf(version: bigint | number): Commit {
  const position = version.toString().padStart(20, '0');
  return { position, version: BigInt(version), time: 0, transactionId: position };
}

/** A transaction in one batch. */
export function transaction(version: bigint | number, fill: Fill): Batch {
  return fill(begun(version)).build(null);
}
