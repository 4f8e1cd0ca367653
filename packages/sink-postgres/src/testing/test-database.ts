import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { schemaPolicies, silentLogger, systemClock, type Sink, type SinkOptions } from '@weir/sdk';
import pg from 'pg';
import { postgresSinkConfig } from '../config.ts';
import { postgresSink } from '../connector.ts';

export const mirrorOptions: SinkOptions = {
  mode: 'mirror',
  target: { schema: '{schema}', table: '{table}' },
  deletes: 'hard',
  schemaChanges: schemaPolicies('apply'),
  onError: 'stop',
  memoryBytes: 128 * 2 ** 20,
};

/** A sink of pipeline `shop`, called `warehouse`. @param config the `postgres` block as in the YAML, `url` apart */
export function makeSink(url: string, options: Partial<SinkOptions> = {}, config: object = {}): Sink {
  const context = { pipeline: 'shop', name: 'warehouse', log: silentLogger, clock: systemClock };
  return postgresSink.create(postgresSinkConfig.parse({ url, ...config }), { ...mirrorOptions, ...options }, context);
}

type Cell = string | null;

/** A database of its own, dropped when it is disposed. */
export class TestDatabase implements AsyncDisposable {
  readonly name: string;
  readonly url: string;
  readonly #serverUrl: string;
  readonly #roles: string[] = [];

  private constructor(serverUrl: string, name: string) {
    this.#serverUrl = serverUrl;
    this.name = name;
    this.url = urlOf(serverUrl, { database: name });
  }

  static async create(serverUrl: string): Promise<TestDatabase> {
    const name = `weir_sink_${randomBytes(5).toString('hex')}`;
    await onServer(serverUrl, `CREATE DATABASE ${name}`);
    return new TestDatabase(serverUrl, name);
  }

  sink(options: Partial<SinkOptions> = {}, config: object = {}): Sink {
    return makeSink(this.url, options, config);
  }

  /** Runs statements behind the sink's back. @returns the rows of the last as text */
  async sql(text: string): Promise<Cell[][]> {
    return await onServer(this.url, text);
  }

  /** Does work while a person's transaction, which began with some statements, is open. */
  async holding(text: string, work: () => Promise<void>): Promise<void> {
    const client = new pg.Client({ connectionString: this.url, application_name: 'test' });
    await client.connect();
    try {
      await client.query(`BEGIN; ${text}`);
      await work();
      await client.query('COMMIT');
    } finally {
      await client.end();
    }
  }

  /** A role that may log in, and a URL with it; dropped with the database. */
  async role(): Promise<{ name: string; url: string }> {
    const name = `${this.name}_role${this.#roles.length}`;
    await this.sql(`CREATE ROLE ${name} LOGIN PASSWORD 'secret'`);
    this.#roles.push(name);
    return { name, url: urlOf(this.url, { user: name, password: 'secret' }) };
  }

  /** Process ids of the sink's writing sessions. */
  async sessions(): Promise<string[]> {
    const rows = await this.sql(
      "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'weir %' AND datname = current_database() ORDER BY pid",
    );
    return rows.map(([pid]) => pid!);
  }

  /** Ends the sink's writing sessions, as an administrator or a failover would. */
  async disconnect(): Promise<void> {
    for (const pid of await this.sessions()) await this.sql(`SELECT pg_terminate_backend(${pid})`);
    while ((await this.sessions()).length > 0) await sleep(10);
  }

  /** Makes it as it was when it was created, which takes less time than to create another. */
  async empty(): Promise<void> {
    await this.sql(
      `DO $$ DECLARE name text; BEGIN
         FOR name IN SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema' LOOP
           EXECUTE format('DROP SCHEMA %I CASCADE', name);
         END LOOP;
         CREATE SCHEMA public;
       END $$`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await onServer(this.#serverUrl, `DROP DATABASE ${this.name} WITH (FORCE)`);
    for (const role of this.#roles) await onServer(this.#serverUrl, `DROP ROLE ${role}`);
  }
}

function urlOf(base: string, { database, user, password }: { database?: string; user?: string; password?: string }): string {
  const url = new URL(base);
  if (database !== undefined) url.pathname = `/${database}`;
  if (user !== undefined) Object.assign(url, { username: user, password });
  return url.href;
}

async function onServer(url: string, text: string): Promise<Cell[][]> {
  const client = new pg.Client({ connectionString: url, application_name: 'test' });
  client.on('error', () => {});
  await client.connect();
  try {
    const types = { getTypeParser: () => (value: string) => value } as pg.CustomTypesConfig;
    const result = await client.query<Cell[]>({ text, rowMode: 'array', types });
    return ((Array.isArray(result) ? result.at(-1) : result) as pg.QueryArrayResult<Cell[]>).rows;
  } finally {
    await client.end();
  }
}
