import { closeClient, connect, connectionOf, cutOnAbort, query, refusePooler, type ConnectionConfig } from '@weir/postgres';
import {
  crashPoint,
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
import { Registry, SqlSession, TargetTables, planTables } from '@weir/sql-sink';
import type pg from 'pg';
import { checkServer } from './check.ts';
import { CheckpointRow } from './checkpoint.ts';
import type { PostgresSinkConfig } from './config.ts';
import { dialect } from './dialect.ts';
import { inspectTarget } from './inspect-target.ts';
import { TABLES, makeOwnTables } from './own-tables.ts';
import { answerQuery } from './query.ts';
import { PostgresRangeReader } from './range-reader.ts';
import { SchemaChanges } from './schema-changes.ts';
import { connectSession, sessionName } from './sink-connection.ts';
import { PostgresTableReader } from './table-reader.ts';
import { takeOver } from './takeover.ts';
import { Transaction, askOf } from './transaction.ts';

/** A PostgreSQL database as a sink. `scan`, `query` and `plan` run beside a session, each on a connection of its own. */
export class PostgresSink implements Sink {
  readonly #config: PostgresSinkConfig;
  readonly #connection: ConnectionConfig;
  readonly #options: SinkOptions;
  readonly #context: ConnectorContext;

  constructor(config: PostgresSinkConfig, options: SinkOptions, context: ConnectorContext) {
    this.#config = config;
    this.#connection = connectionOf(config);
    this.#options = options;
    this.#context = context;
  }

  async open(shard: Shard, signal: AbortSignal): Promise<SinkSession> {
    return await this.#fenced(shard, signal, async (transaction, checkpoint) => {
      crashPoint('sink.fence-taken');
      return await this.#session(transaction, checkpoint, shard);
    });
  }

  async forget(shard: Shard, signal: AbortSignal): Promise<boolean> {
    return await this.#fenced(shard, signal, async (transaction, checkpoint) => {
      const forgotten = await checkpoint.forget();
      await transaction.end();
      return forgotten;
    });
  }

  async #session(transaction: Transaction, checkpoint: CheckpointRow, shard: Shard): Promise<SinkSession> {
    const { clock } = this.#context;
    const options = this.#options;
    const registry = new Registry(dialect, (sql) => transaction.run(sql, { doing: 'asking weir.tables' }), shard, TABLES);
    const tables = new TargetTables({
      dialect,
      transaction,
      options,
      clock,
      shapeChanges: () => new SchemaChanges(transaction, registry, options),
      rangeReader: (layout) => PostgresRangeReader.open(transaction, layout),
    });
    return await SqlSession.open({
      transaction,
      checkpoint,
      registry,
      tables,
      options,
      clock,
      lost: { code: 'WEIR_PG_CONNECTION_LOST', isLost: () => checkpoint.isLost(this.#connection) },
      afterCommit: () => tables.startGroup(() => false),
      end: () => transaction.end(),
    });
  }

  /** Connects a session and takes the fence for it; what fails leaves nothing open. */
  async #fenced<T>(
    shard: Shard,
    signal: AbortSignal,
    work: (transaction: Transaction, checkpoint: CheckpointRow) => Promise<T>,
  ): Promise<T> {
    const name = sessionName(shard);
    const settings = { name, idleTimeoutMs: this.#config.idle_timeout };
    const { client, replica } = await connectSession(this.#connection, settings, signal);
    const transaction = new Transaction(client);
    const { clock, log } = this.#context;
    try {
      using _ = cutOnAbort(client, signal);
      // A pooler may give the session, and the fence in it, to somebody else (invariant 5).
      await refusePooler(client, this.#connection, signal);
      if (!replica) log.info({ sink: shard.sink }, 'triggers and foreign keys on the mirror are at work');
      const takeover = { config: this.#connection, backend: await backendOf(client), name, clock };
      const checkpoint = await takeOver(takeover, signal, async () => {
        await makeOwnTables(transaction);
        return await CheckpointRow.take(transaction, shard);
      });
      return await work(transaction, checkpoint);
    } catch (error) {
      await transaction.end();
      signal.throwIfAborted();
      throw error;
    }
  }

  check(signal: AbortSignal): Promise<CheckResult[]> {
    return checkServer(this.#connection, signal);
  }

  async plan(tables: readonly Table[], signal: AbortSignal): Promise<TablePlan[]> {
    const { pipeline, name } = this.#context;
    return await this.#read(signal, async (client) => {
      const ask = askOf(client);
      const [known] = (await ask(`SELECT to_regclass('${TABLES}')`)).rows;
      const registry = known?.[0] == null ? null : new Registry(dialect, ask, { pipeline, sink: name }, TABLES);
      return await planTables(tables, { dialect, options: this.#options, registry, inspect: (target) => inspectTarget(ask, target) });
    });
  }

  async *scan(table: Table, signal: AbortSignal): AsyncGenerator<Batch> {
    await using reader = this.reader();
    yield* reader.scan(table, signal);
  }

  reader(): PostgresTableReader {
    return new PostgresTableReader(this.#connection, this.#options.target);
  }

  async query(sql: string, limit: number, signal: AbortSignal): Promise<QueryResult> {
    return await this.#read(signal, (client) => answerQuery(client, sql, limit));
  }

  async #read<T>(signal: AbortSignal, work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = await connect(this.#connection, signal);
    try {
      using _ = cutOnAbort(client, signal);
      return await work(client);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      await closeClient(client, !signal.aborted);
    }
  }
}

/** The server's own word: through a proxy the id of the connection may be the proxy's. */
async function backendOf(client: pg.Client): Promise<number> {
  const [row] = await query(client, 'SELECT pg_backend_pid() AS pid');
  return Number(row!['pid']);
}
