import type { DuckDBConnection } from '@duckdb/node-api';
import {
  WeirError,
  crashPoint,
  tableRows,
  type Batch,
  type Checkpoint,
  type Clock,
  type KeyRange,
  type StopReason,
  type Table,
  type TransactionalSession,
} from '@weir/sdk';
import { CheckpointRow } from './checkpoint.ts';
import type { Database } from './database.ts';
import { sessionError } from './duckdb-error.ts';
import { GatheredRows } from './gathered-rows.ts';
import { SchemaChanges } from './schema-changes.ts';
import { OPEN_TABLES, TargetTables, type TablesOptions } from './target-tables.ts';
import { Transaction } from './transaction.ts';

/** A batch of more bytes holds one large row, and little else. */
const LARGE_BATCH_BYTES = 8 * 2 ** 20;
/**
 * Up to so many keys of a merge reach the scan of the target as a filter, by which DuckDB passes over row groups that can
 * hold none of them; 50 by default. With more, or with the least and the largest alone, it reads the keys of all rows.
 */
const KEYS_AS_FILTER = 'SET SESSION dynamic_or_filter_threshold = 5000';

/**
 * Class A: rows, tables and the checkpoint are written in one DuckDB transaction, and the checkpoint's row is changed only
 * by who holds its fence. A commit group is everything written until `commit`.
 */
export class DuckdbSession implements TransactionalSession {
  readonly mode = 'transactional';
  readonly #database: Database;
  readonly #connection: DuckDBConnection;
  readonly #transaction: Transaction;
  readonly #checkpoint: CheckpointRow;
  readonly #tables: TargetTables;
  readonly #changes: SchemaChanges;
  readonly #clock: Clock;
  readonly #gathered = new GatheredRows();
  /** The call that is running; the engine makes one at a time. */
  #running: Promise<unknown> = Promise.resolve();
  /** Why the session can do no more. A group that failed in the middle must never be committed. */
  #failure: WeirError | null = null;
  #disposed = false;
  /** Bytes of the largest row in the file, as far as that was noted. */
  #largest = 0;
  #stopped: ReadonlyMap<string, StopReason> = new Map();

  /** Only where a mirror is kept. */
  readonly readRange?: (table: Table, range: KeyRange) => AsyncGenerator<Batch>;

  private constructor(database: Database, connection: DuckDBConnection, checkpoint: CheckpointRow, options: TablesOptions) {
    this.#database = database;
    this.#connection = connection;
    this.#transaction = new Transaction(connection, database);
    this.#checkpoint = checkpoint;
    this.#tables = new TargetTables(this.#transaction, database.name, options);
    this.#changes = new SchemaChanges(this.#transaction, this.#tables, options.rules);
    this.#clock = options.clock;
    if (options.rules.mode === 'mirror') this.readRange = (table, range) => this.#readRange(table, range);
  }

  /** Takes the fence (invariant 5) and with it the database, which the session releases when it is disposed. */
  static async open(database: Database, options: TablesOptions): Promise<DuckdbSession> {
    const connection = await database.connect();
    try {
      await connection.run(KEYS_AS_FILTER);
      const checkpoint = await CheckpointRow.take(database, connection, options.shard, options.clock);
      crashPoint('sink.fence-taken');
      return new DuckdbSession(database, connection, checkpoint, options);
    } catch (error) {
      connection.closeSync();
      throw error;
    }
  }

  recover(): Promise<Checkpoint | null> {
    return this.#run(async () => {
      this.#stopped = await this.#tables.stopped();
      await this.#makeRoom((this.#largest = await this.#tables.largestRow()));
      return this.#checkpoint.read();
    });
  }

  get stoppedTables(): ReadonlyMap<string, StopReason> {
    return this.#stopped;
  }

  stopTable(table: Pick<Table, 'namespace' | 'name'>, reason: StopReason): Promise<void> {
    return this.#run(async () => {
      await this.#transaction.begin();
      await this.#writeGathered();
      await this.#tables.stop(table, reason);
    });
  }

  write(batch: Batch): Promise<void> {
    return this.#run(async () => {
      await this.#transaction.begin();
      if (GatheredRows.takes(batch, OPEN_TABLES) && batch.data.length <= LARGE_BATCH_BYTES) {
        this.#gathered.add(batch);
        if (this.#gathered.isFull) await this.#writeGathered();
        return;
      }
      await this.#writeGathered();
      for (const { table } of batch.schemaChanges) await this.#database.allowColumns(table.columns.length);
      await this.#changes.apply(batch);
      if (batch.data.length > LARGE_BATCH_BYTES) await this.#noteLarge(batch);
      await this.#writeRows(batch);
    });
  }

  async #writeRows(batch: Batch): Promise<void> {
    for (const part of tableRows(batch)) {
      const writer = await this.#tables.writer(part.table);
      await this.#database.allowColumns(writer.target.table.columns.length);
      await writer.write(batch, part);
    }
    this.#transaction.slab.clear();
    this.#tables.flushIfLarge();
  }

  async #writeGathered(): Promise<void> {
    const batch = this.#gathered.take();
    if (batch === null) return;
    const columns = batch.tables.reduce((sum, table) => sum + table.columns.length, 0);
    await this.#database.allowTables(batch.tables.length, columns);
    await this.#writeRows(batch);
  }

  async #noteLarge(batch: Batch): Promise<void> {
    await this.#makeRoom(batch.data.length);
    if (batch.data.length <= this.#largest) return;
    this.#largest = batch.data.length;
    for (const { table } of tableRows(batch)) await this.#tables.noteLargeRow(table, this.#largest);
  }

  async *#readRange(table: Table, range: KeyRange): AsyncGenerator<Batch> {
    const rows = await this.#run(async () => {
      await this.#transaction.begin();
      await this.#writeGathered();
      return await this.#tables.readRange(table, range);
    });
    yield* rows;
  }

  commit(checkpoint: Checkpoint): Promise<void> {
    return this.#run(async () => {
      await this.#transaction.begin();
      await this.#writeGathered();
      await this.#tables.settle();
      await this.#checkpoint.write(checkpoint, this.#clock.now());
      crashPoint('sink.before-commit');
      await this.#transaction.commit();
      crashPoint('sink.commit-unanswered');
      this.#checkpoint.committed(checkpoint);
      this.#tables.startGroup();
      await this.#database.freeDeletes();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#failure ??= new WeirError('WEIR_SDK_USE', 'the session is disposed');
    this.#transaction.end();
    await this.#running.catch(() => {});
    this.#tables.discard();
    await this.#transaction.rollback();
    this.#connection.closeSync();
    await this.#database.release();
  }

  /** DuckDB needs a few times a row's size at once, whatever its limit; the larger rows are in the file, the more. */
  async #makeRoom(bytes: number): Promise<void> {
    if (bytes > 0) await this.#database.allowRow(bytes);
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#failure !== null) throw this.#failure;
    const running = work();
    this.#running = running;
    try {
      return await running;
    } catch (error) {
      this.#failure ??= sessionError(error);
      throw this.#failure;
    }
  }
}
