import type {
  Batch,
  CheckResult,
  ConnectorContext,
  QueryResult,
  Shard,
  Sink,
  SinkOptions,
  SinkSession,
  Table,
} from '@weir/sdk';
import { checkDatabase } from './check.ts';
import type { DuckdbConfig } from './config.ts';
import { openDatabase, type Database, type DatabaseOptions } from './database.ts';
import { answerQuery } from './query.ts';
import { scanTable } from './scan.ts';
import { DuckdbSession } from './session.ts';
import { targetName } from './target-tables.ts';

/** A DuckDB file as a sink. Reads (`scan`, `query`) run beside a session, each on a connection of its own. */
export class DuckdbSink implements Sink {
  readonly #path: string;
  readonly #options: SinkOptions;
  readonly #context: ConnectorContext;
  readonly #database: DatabaseOptions;

  constructor(config: DuckdbConfig, options: SinkOptions, context: ConnectorContext) {
    this.#path = config.path;
    this.#options = options;
    this.#context = context;
    this.#database = { memoryLimit: config.memory_limit ?? options.memoryBytes, threads: config.threads };
  }

  async open(shard: Shard, signal: AbortSignal): Promise<SinkSession> {
    signal.throwIfAborted();
    const database = await openDatabase(this.#path, this.#database);
    try {
      signal.throwIfAborted();
      return await DuckdbSession.open(database, { shard, target: this.#options.target, clock: this.#context.clock });
    } catch (error) {
      await database.release();
      throw error;
    }
  }

  check(_signal: AbortSignal): Promise<CheckResult[]> {
    return checkDatabase(this.#path, this.#database);
  }

  async *scan(table: Table, signal: AbortSignal): AsyncGenerator<Batch> {
    const database = await openDatabase(this.#path, this.#database);
    const connection = await database.connect();
    try {
      yield* scanTable(connection, table, targetName(table, database.name, this.#options.target), signal);
    } finally {
      connection.interrupt();
      connection.closeSync();
      await database.release();
    }
  }

  query(sql: string, limit: number, signal: AbortSignal): Promise<QueryResult> {
    return this.#read(async (database) => {
      const connection = await database.connect();
      try {
        return await answerQuery(connection, sql, limit, signal);
      } finally {
        connection.closeSync();
      }
    });
  }

  async #read<T>(work: (database: Database) => Promise<T>): Promise<T> {
    const database = await openDatabase(this.#path, this.#database);
    try {
      return await work(database);
    } finally {
      await database.release();
    }
  }
}
