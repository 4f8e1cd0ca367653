import { existsSync } from 'node:fs';
import {
  type Batch,
  type CheckResult,
  type ConnectorContext,
  type QueryResult,
  type Shard,
  type Sink,
  type SinkOptions,
  type SinkSession,
  type Table,
  type TablePlan,
} from '@weir/sdk';
import { checkDatabase } from './check.ts';
import { CheckpointRow } from './checkpoint.ts';
import type { DuckdbConfig } from './config.ts';
import { openDatabase, type Database, type DatabaseOptions } from './database.ts';
import { planTables } from './plan.ts';
import { answerQuery } from './query.ts';
import { DuckdbSession } from './session.ts';
import { deltaRule, type DeltaRule, type SinkRules } from './sink-rules.ts';
import { DuckdbTableReader } from './table-reader.ts';

/** A DuckDB file as a sink. Reads (`scan`, `query`, `plan`) run beside a session, each on a connection of its own. */
export class DuckdbSink implements Sink {
  readonly #path: string;
  readonly #rules: SinkRules;
  readonly #context: ConnectorContext;
  readonly #database: DatabaseOptions;

  /** @param delta which tables have a delta, where the configuration asks for it */
  constructor(config: DuckdbConfig, options: SinkOptions, context: ConnectorContext, delta: DeltaRule = deltaRule) {
    this.#path = config.path;
    const { mode, target, deletes, schemaChanges } = options;
    const changes = config.changes === 'delta' && mode === 'mirror' && deletes === 'hard' ? delta : null;
    this.#rules = { mode, target, deletes, schemaChanges, decimals: config.decimals ?? 'varchar', changes };
    this.#context = context;
    const { threads, memory_limit: memoryLimit = options.memoryBytes } = config;
    this.#database = { memoryLimit, threads, log: context.log };
  }

  async open(shard: Shard, signal: AbortSignal): Promise<SinkSession> {
    signal.throwIfAborted();
    const database = await openDatabase(this.#path, this.#database);
    try {
      signal.throwIfAborted();
      return await DuckdbSession.open(database, { shard, rules: this.#rules, clock: this.#context.clock });
    } catch (error) {
      await database.release();
      throw error;
    }
  }

  check(_signal: AbortSignal): Promise<CheckResult[]> {
    return checkDatabase(this.#path, this.#database);
  }

  /** A file that is not there is not made. */
  async forget(shard: Shard, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    if (!existsSync(this.#path)) return false;
    return await this.#read(async (database) => {
      const connection = await database.connect();
      try {
        return await (await CheckpointRow.take(database, connection, shard, this.#context.clock)).forget();
      } finally {
        connection.closeSync();
      }
    });
  }

  plan(tables: readonly Table[], signal: AbortSignal): Promise<TablePlan[]> {
    const { pipeline, name } = this.#context;
    return planTables(this.#path, this.#database, { tables, rules: this.#rules, of: { pipeline, sink: name } }, signal);
  }

  async *scan(table: Table, signal: AbortSignal): AsyncGenerator<Batch> {
    await using reader = this.reader();
    yield* reader.scan(table, signal);
  }

  reader(): DuckdbTableReader {
    return new DuckdbTableReader(() => openDatabase(this.#path, this.#database), this.#rules);
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
