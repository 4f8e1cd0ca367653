import { connect, connectionOf, cutOnAbort, query, resolveTarget, serverVersion, type ConnectionConfig, type MysqlClient } from '@weir/mysql';
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
import { checkServer } from './check.ts';
import { CheckpointRow } from './checkpoint.ts';
import { TypeRules } from './column-type.ts';
import type { MysqlSinkConfig } from './config.ts';
import { mysqlDialect } from './dialect.ts';
import { OwnTables } from './own-tables.ts';
import { inspectTarget } from './inspect-target.ts';
import { answerQuery } from './query.ts';
import { MysqlRangeReader } from './range-reader.ts';
import { SchemaChanges } from './schema-changes.ts';
import { prepareSession } from './session-settings.ts';
import { ShapeSteps } from './shape-steps.ts';
import { SideConnection } from './side-connection.ts';
import { identifier, literal } from './sql-text.ts';
import { TableCopies } from './table-copies.ts';
import { MysqlTableReader } from './table-reader.ts';
import { isLost, mark, sessionMarks, takeOver } from './takeover.ts';
import { TargetShapes } from './target-shapes.ts';
import { Transaction, askOf } from './transaction.ts';

/** A server as a sink. `scan`, `query` and `plan` run beside a session, each on a connection of its own. */
export class MysqlSink implements Sink {
  readonly #config: MysqlSinkConfig;
  /** Without a database: the own one may not be there yet, and every table is named in full. */
  readonly #connection: ConnectionConfig;
  readonly #own: OwnTables;
  readonly #options: SinkOptions;
  readonly #context: ConnectorContext;

  constructor(config: MysqlSinkConfig, options: SinkOptions, context: ConnectorContext) {
    this.#config = config;
    const target = resolveTarget(config);
    this.#own = new OwnTables(target.database);
    const { tls, connect_timeout } = connectionOf(config);
    this.#connection = {
      host: target.host,
      port: target.port,
      user: target.user,
      password: target.password ?? undefined,
      tls,
      connect_timeout,
    };
    this.#options = options;
    this.#context = context;
  }

  async open(shard: Shard, signal: AbortSignal): Promise<SinkSession> {
    return await this.#fenced(shard, signal, async (transaction, checkpoint) => {
      crashPoint('sink.fence-taken');
      const side = new SideConnection(() => this.#connectSide(shard, checkpoint.fence));
      try {
        return await this.#session(transaction, side, checkpoint, shard);
      } catch (error) {
        await side.end();
        throw error;
      }
    });
  }

  async forget(shard: Shard, signal: AbortSignal): Promise<boolean> {
    return await this.#fenced(shard, signal, async (transaction, checkpoint) => {
      const forgotten = await checkpoint.forget();
      await transaction.end();
      return forgotten;
    });
  }

  async #session(transaction: Transaction, side: SideConnection, checkpoint: CheckpointRow, shard: Shard): Promise<SinkSession> {
    const { clock } = this.#context;
    const own = this.#own;
    const options = this.#options;
    const steps = new ShapeSteps(shard, own, side);
    const shapes = new TargetShapes();
    const copies = new TableCopies(transaction, side, shapes, own.digest(shard), checkpoint.fence);
    const rules = await this.#rulesOf(transaction.client);
    const dialect = mysqlDialect(rules, own.database);
    const registry = new Registry(dialect, (sql) => transaction.run(sql, { doing: 'asking _weir_tables' }), shard, own.tables);
    // What a session before this one has committed, and left.
    await performSteps(transaction, checkpoint, steps);
    await copies.sweep();
    await checkpoint.rest();
    const tables = new TargetTables({
      dialect,
      transaction,
      options,
      clock,
      shapeChanges: (isTouched) => new SchemaChanges({ dialect, transaction, registry, shapes, copies, isTouched }, options, rules),
      rangeReader: (layout) => new MysqlRangeReader(transaction, layout),
    });
    const takeover = { config: this.#connection, shard, own, clock };
    return await SqlSession.open({
      transaction,
      checkpoint,
      registry,
      tables,
      options,
      clock,
      lost: { code: 'WEIR_MYSQL_CONNECTION_LOST', isLost: () => isLost(takeover, checkpoint.fence) },
      beforeCommit: () => steps.add(transaction, shapes.steps()),
      afterCommit: async () => {
        if (shapes.steps().length > 0) await performSteps(transaction, checkpoint, steps);
        await tables.startGroup((target) => shapes.has(target));
        shapes.clear();
        await checkpoint.rest();
      },
      end: async () => {
        await side.end();
        await transaction.end();
      },
    });
  }

  async #connectSide(shard: Shard, fence: string): Promise<MysqlClient> {
    const client = await connect(this.#connection, new AbortController().signal);
    try {
      await prepareSession(client);
      await mark(client, sessionMarks.side(this.#own.digest(shard), fence));
      return client;
    } catch (error) {
      await client.close(false);
      throw error;
    }
  }

  /** Connects a session and takes the fence for it; what fails leaves nothing open. */
  async #fenced<T>(
    shard: Shard,
    signal: AbortSignal,
    work: (transaction: Transaction, checkpoint: CheckpointRow) => Promise<T>,
  ): Promise<T> {
    const client = await connect(this.#connection, signal);
    try {
      using _ = cutOnAbort(client, signal);
      const transaction = new Transaction(client, await prepareSession(client));
      await this.#own.make((sql) => transaction.run(sql, { doing: `making Weir’s own tables in ${this.#own.database}` }));
      // Every table is named in full, but a DELETE that names one by its alias asks for a database all the same.
      await query(client, `USE ${identifier(this.#own.database)}`);
      const takeover = { config: this.#connection, shard, own: this.#own, clock: this.#context.clock };
      const checkpoint = await takeOver(client, takeover, signal, () =>
        CheckpointRow.take(transaction, shard, this.#own, this.#config.idle_timeout),
      );
      await mark(client, sessionMarks.rows(this.#own.digest(shard), checkpoint.fence));
      return await work(transaction, checkpoint);
    } catch (error) {
      await client.close(false);
      signal.throwIfAborted();
      throw error;
    }
  }

  check(signal: AbortSignal): Promise<CheckResult[]> {
    return checkServer(this.#connection, this.#own, signal);
  }

  async plan(tables: readonly Table[], signal: AbortSignal): Promise<TablePlan[]> {
    const { pipeline, name } = this.#context;
    return await this.#read(signal, async (client) => {
      const ask = askOf(client);
      const own = this.#own;
      const dialect = mysqlDialect(await this.#rulesOf(client), own.database);
      const known = await ask(
        `SELECT 1 FROM information_schema.tables WHERE table_schema = ${literal(own.database)} AND table_name = '_weir_tables'`,
      );
      const registry = known.rows.length === 0 ? null : new Registry(dialect, ask, { pipeline, sink: name }, own.tables);
      return await planTables(tables, { dialect, options: this.#options, registry, inspect: (target) => inspectTarget(ask, target) });
    });
  }

  async *scan(table: Table, signal: AbortSignal): AsyncGenerator<Batch> {
    await using reader = this.reader();
    yield* reader.scan(table, signal);
  }

  reader(): MysqlTableReader {
    return new MysqlTableReader(this.#connection, this.#options, (client) => this.#rulesOf(client));
  }

  async query(sql: string, limit: number, signal: AbortSignal): Promise<QueryResult> {
    return await this.#read(signal, (client) => answerQuery(client, sql, limit));
  }

  async #rulesOf(client: MysqlClient): Promise<TypeRules> {
    const { flavour } = await serverVersion(client);
    return new TypeRules(flavour, this.#config.as_text);
  }

  async #read<T>(signal: AbortSignal, work: (client: MysqlClient) => Promise<T>): Promise<T> {
    const client = await connect(this.#connection, signal);
    try {
      using _ = cutOnAbort(client, signal);
      return await work(client);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      await client.close(!signal.aborted);
    }
  }
}

/** Does what commits have left to be done to tables, while the fence's row is locked. */
async function performSteps(transaction: Transaction, checkpoint: CheckpointRow, steps: ShapeSteps): Promise<void> {
  await checkpoint.begin();
  await steps.perform(transaction);
  await transaction.commit({ doing: 'changing the shape of tables' });
}
