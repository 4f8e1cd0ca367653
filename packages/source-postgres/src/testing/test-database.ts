import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { silentLogger, systemClock, type Logger } from '@weir/sdk';
import pg from 'pg';
import { postgresConfig } from '../config.ts';
import { PostgresSource } from '../source.ts';

type Row = Record<string, unknown>;

/** A statement of a test that waits longer for a lock fails: Weir holds one that it should have let go. */
const LOCK_TIMEOUT_MS = 10_000;

/** A database of its own, dropped with its slots when it is disposed. Its name is the pipeline's too. */
export class TestDatabase implements AsyncDisposable {
  readonly name: string;
  readonly url: string;
  readonly #serverUrl: string;
  readonly #pool: pg.Pool;
  readonly #roles: string[] = [];

  private constructor(serverUrl: string, name: string) {
    this.name = name;
    this.#serverUrl = serverUrl;
    this.url = databaseUrl(serverUrl, name);
    this.#pool = new pg.Pool({
      connectionString: this.url,
      max: 8,
      application_name: 'test',
      lock_timeout: LOCK_TIMEOUT_MS,
    });
    this.#pool.on('error', () => {});
  }

  static async create(serverUrl: string): Promise<TestDatabase> {
    const name = `weir_test_${randomBytes(5).toString('hex')}`;
    await onServer(serverUrl, async (client) => await client.query(`CREATE DATABASE ${name}`));
    return new TestDatabase(serverUrl, name);
  }

  /** `weir_` and the pipeline: what the source calls its slot and its publication. */
  get slot(): string {
    return `weir_${this.name}`;
  }

  /** @param config the `postgres` block as in the YAML, `url` apart */
  source(config: object = {}, url: string = this.url, log: Logger = silentLogger): PostgresSource {
    const parsed = postgresConfig.parse({ url, ...config });
    return new PostgresSource(parsed, { pipeline: this.name, name: 'test', log, clock: systemClock });
  }

  /** Runs statements without parameters, or one with. */
  async sql(text: string, values?: unknown[]): Promise<Row[]> {
    const result = (await this.#pool.query(text, values)) as pg.QueryResult<Row> | pg.QueryResult<Row>[];
    return Array.isArray(result) ? result.at(-1)!.rows : result.rows;
  }

  /** The one value of the one row. */
  async value(text: string, values?: unknown[]): Promise<unknown> {
    return Object.values((await this.sql(text, values))[0]!)[0];
  }

  /** Runs statements on one connection, inside a transaction that ends as asked. */
  async transaction(end: 'commit' | 'rollback', work: (client: pg.PoolClient) => Promise<void>): Promise<void> {
    const client = await this.#pool.connect();
    try {
      await client.query('BEGIN');
      await work(client);
      await client.query(end);
      client.release();
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  /** A connection of the test's own; it ends it. */
  async connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.url, application_name: 'test' });
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  /** A role that may log in, and a URL with it; dropped with the database. */
  async role(attributes = ''): Promise<{ name: string; url: string }> {
    const name = `${this.name}_role${this.#roles.length}`;
    await this.sql(`CREATE ROLE ${name} LOGIN PASSWORD 'secret' ${attributes}`);
    this.#roles.push(name);
    return { name, url: databaseUrl(this.url, this.name, { user: name, password: 'secret' }) };
  }

  /** What a source may have made here: slots and publications. */
  async traces(): Promise<string[]> {
    const sql = `SELECT 'slot ' || slot_name AS trace FROM pg_replication_slots WHERE database = current_database()
                  UNION ALL SELECT 'publication ' || pubname FROM pg_publication`;
    return (await this.sql(sql)).map((row) => String(row['trace']));
  }

  /** How many connections Weir has to this database. */
  async connections(): Promise<number> {
    return Number(
      await this.value("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'weir' AND datname = $1", [
        this.name,
      ]),
    );
  }

  /** Cuts them; resolves when the server has let them go, slots included. */
  async disconnect(): Promise<void> {
    await this.sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'weir' AND datname = $1",
      [this.name],
    );
    while ((await this.connections()) > 0) await sleep(10);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.disconnect();
    await this.#pool.end();
    await onServer(this.#serverUrl, async (client) => {
      await client.query('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = $1', [
        this.name,
      ]);
      await client.query(`DROP DATABASE ${this.name} WITH (FORCE)`);
      for (const role of this.#roles) await client.query(`DROP ROLE ${role}`);
    });
  }
}

/** The URL of another database of the same server, or for another role. */
export function databaseUrl(serverUrl: string, database: string, login?: { user: string; password: string }): string {
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  if (login !== undefined) Object.assign(url, { username: login.user, password: login.password });
  return url.href;
}

async function onServer(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
