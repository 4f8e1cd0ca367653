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
import type pg from 'pg';
import { checkServer } from './check.ts';
import { CheckpointRow } from './checkpoint.ts';
import type { PostgresSinkConfig } from './config.ts';
import { makeOwnTables } from './own-tables.ts';
import { planTables } from './plan.ts';
import { answerQuery } from './query.ts';
import { PostgresSession } from './session.ts';
import { connectSession, sessionName } from './sink-connection.ts';
import { PostgresTableReader } from './table-reader.ts';
import { takeOver } from './takeover.ts';
import { Transaction } from './transaction.ts';

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
    const { clock } = this.#context;
    return await this.#fenced(shard, signal, async (transaction, checkpoint) => {
      crashPoint('sink.fence-taken');
      const options = { connection: this.#connection, shard, options: this.#options, clock };
      return await PostgresSession.open(transaction, checkpoint, options);
    });
  }

  async forget(shard: Shard, signal: AbortSignal): Promise<boolean> {
    return await this.#fenced(shard, signal, async (transaction, checkpoint) => {
      const forgotten = await checkpoint.forget();
      await transaction.end();
      return forgotten;
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
    return await this.#read(signal, (client) => planTables(client, tables, this.#options, { pipeline, sink: name }));
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
