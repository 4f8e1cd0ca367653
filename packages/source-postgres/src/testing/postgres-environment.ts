import { setTimeout as sleep } from 'node:timers/promises';
import type { Source } from '@weir/sdk';
import { itemsStatement, type Change, type ShapeStatement, type SourceEnvironment } from '@weir/testkit';
import type { PostgresOptions } from '../postgres.ts';
import { TestDatabase } from './test-database.ts';
import type { TestServer } from './test-server.ts';
import { typeCasesOf, typeDefinitions } from './type-cases.ts';
import type { PostgresTypeCase } from './type-cases/type-case.ts';

export class PostgresEnvironment implements SourceEnvironment {
  readonly database: TestDatabase;
  readonly #server: TestServer;
  readonly #options: Partial<PostgresOptions>;
  readonly #typeCases: readonly PostgresTypeCase[];
  #transactions = 0;

  private constructor(database: TestDatabase, server: TestServer, options: Partial<PostgresOptions>) {
    this.database = database;
    this.#server = server;
    this.#options = options;
    this.#typeCases = typeCasesOf(server);
  }

  static async start(server: TestServer, options: Partial<PostgresOptions> = {}): Promise<PostgresEnvironment> {
    const database = await TestDatabase.create(server.url);
    await database.sql(
      'CREATE TABLE items (id int PRIMARY KEY, label text, large text); CREATE TABLE other_log (content text)',
    );
    return new PostgresEnvironment(database, server, options);
  }

  /** The server's major version. */
  get version(): number {
    return this.#server.version;
  }

  source(): Source {
    return this.database.source({ ...this.#options, tables: ['public.*', '!public.other_*'] });
  }

  /** Every third commit is asynchronous: the stream must wait for its flush, and `head` too. */
  async apply(changes: readonly (Change | ShapeStatement)[], end: 'commit' | 'rollback' = 'commit'): Promise<void> {
    const asynchronous = ++this.#transactions % 3 === 0;
    await this.database.transaction(end, async (client) => {
      if (asynchronous) await client.query('SET LOCAL synchronous_commit = off');
      for (const change of changes) await client.query(itemsStatement(change));
    });
  }

  async fill(first: number, count: number, label: string): Promise<void> {
    await this.database.sql(
      'INSERT INTO items SELECT i, $3, NULL FROM generate_series($1::int, $1::int + $2::int - 1) AS i',
      [first, count, label],
    );
  }

  async createTypes(): Promise<void> {
    const columns = this.#typeCases.map(({ column, sqlType }) => `${column} ${sqlType}`).join(', ');
    await this.database.sql(`${typeDefinitions(this.#typeCases)}; CREATE TABLE types (id int PRIMARY KEY, ${columns})`);
    await this.insertTypes();
  }

  async insertTypes(): Promise<void> {
    const rowCount = Math.max(...this.#typeCases.map(({ values }) => values.length));
    const rows = Array.from({ length: rowCount }, (_, row) => {
      const cells = this.#typeCases.map(({ values, sqlType }) => `CAST(${values[row] ?? 'NULL'} AS ${sqlType})`);
      return `(${row + 1}, ${cells.join(', ')})`;
    });
    await this.database.sql(`BEGIN; DELETE FROM types; INSERT INTO types VALUES ${rows.join(', ')}; COMMIT`);
  }

  async otherActivity(): Promise<void> {
    await this.database.sql("INSERT INTO other_log SELECT repeat('x', 1000) FROM generate_series(1, 8000)");
  }

  /** Log is kept from `restart_lsn` on, which follows the confirmed position at the next record of running transactions. */
  async retainedBytes(): Promise<number> {
    await this.database.sql(this.#server.version >= 16 ? 'SELECT pg_log_standby_snapshot()' : 'CHECKPOINT');
    await sleep(50);
    const sql = 'SELECT pg_current_wal_lsn() - restart_lsn FROM pg_replication_slots WHERE slot_name = $1';
    return Number(await this.database.value(sql, [this.database.slot]));
  }

  async disconnect(): Promise<void> {
    await this.database.disconnect();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database[Symbol.asyncDispose]();
  }
}
