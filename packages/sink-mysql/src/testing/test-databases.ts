import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, query } from '@weir/mysql';
import { Secret, schemaPolicies, silentLogger, systemClock, type Sink, type SinkOptions } from '@weir/sdk';
import { mysqlSinkConfig } from '../config.ts';
import { mysqlSink } from '../connector.ts';
import { OwnTables } from '../own-tables.ts';

export const mirrorOptions: SinkOptions = {
  mode: 'mirror',
  target: { schema: '{schema}', table: '{table}' },
  deletes: 'hard',
  schemaChanges: schemaPolicies('apply'),
  onError: 'stop',
  memoryBytes: 128 * 2 ** 20,
};

/** A sink of pipeline `shop`, called `warehouse`. @param config the `mysql` block as in the YAML, `url` apart */
export function makeSink(url: string, options: Partial<SinkOptions> = {}, config: object = {}): Sink {
  const context = { pipeline: 'shop', name: 'warehouse', log: silentLogger, clock: systemClock };
  return mysqlSink.create(mysqlSinkConfig.parse({ url, ...config }), { ...mirrorOptions, ...options }, context);
}

type Cell = string | null;

/** Databases of their own on a server, all with one prefix, dropped when they are disposed. */
export class TestDatabases implements AsyncDisposable {
  /** Weir's own database; those of targets are `PREFIX_SCHEMA`. */
  readonly name: string;
  /** Of a user who may do everything, in that database. */
  readonly url: string;
  readonly #users: string[] = [];

  constructor(serverUrl: string) {
    this.name = `t${randomBytes(4).toString('hex')}`;
    const url = new URL(serverUrl);
    url.pathname = `/${this.name}`;
    this.url = url.href;
  }

  /** Where tables of a schema of the source land. */
  schema(name = 'public'): string {
    return `${this.name}_${name}`;
  }

  sink(options: Partial<SinkOptions> = {}, config: object = {}): Sink {
    const { schema, table } = options.target ?? mirrorOptions.target;
    return makeSink(this.url, { ...options, target: { schema: `${this.name}_${schema}`, table } }, config);
  }

  /** Runs statements behind the sink's back. @returns the rows of the last as text */
  async sql(...statements: string[]): Promise<Cell[][]> {
    const url = new URL(this.url);
    url.pathname = '/';
    const client = await connect({ url: new Secret(url.href) }, new AbortController().signal);
    try {
      let rows: Cell[][] = [];
      for (const statement of statements) rows = await query(client, statement);
      return rows;
    } finally {
      await client.close();
    }
  }

  /** Does work while a person's transaction, which began with some statements, is open. */
  async holding<T>(statements: readonly string[], work: () => Promise<T>): Promise<T> {
    const client = await connect({ url: new Secret(this.url) }, new AbortController().signal);
    try {
      for (const statement of ['START TRANSACTION', ...statements]) await query(client, statement);
      const result = await work();
      await query(client, 'COMMIT');
      return result;
    } finally {
      await client.close();
    }
  }

  /** A user without privileges who may log in, and a URL with it; dropped with the databases. */
  async user(): Promise<{ name: string; url: string }> {
    const name = `${this.name}_${this.#users.length}`;
    await this.sql(`CREATE USER '${name}'@'%' IDENTIFIED BY 'secret'`);
    this.#users.push(name);
    const url = new URL(this.url);
    Object.assign(url, { username: name, password: 'secret' });
    return { name, url: url.href };
  }

  /** Ids of the sink's sessions that write, by the marks that they hold. */
  async sessions(): Promise<string[]> {
    const fences = await this.sql(`SELECT fence FROM ${this.name}._weir_checkpoint`);
    const ids: string[] = [];
    const digest = new OwnTables(this.name).digest({ pipeline: 'shop', sink: 'warehouse', shard: 0 });
    for (const [fence] of fences) {
      const [row] = await this.sql(`SELECT IS_USED_LOCK('weir_${digest}_${fence}')`);
      if (row![0] !== null) ids.push(row![0]!);
    }
    return ids;
  }

  /** Ends the sink's writing sessions, as an administrator or a failover would. */
  async disconnect(): Promise<void> {
    for (const id of await this.sessions()) await this.sql(`KILL ${id}`);
    while ((await this.sessions()).length > 0) await sleep(10);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const names = await this.sql(
      `SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE '${this.name}%'`,
    );
    const drops = names.map(([name]) => `DROP DATABASE \`${name}\``);
    await this.sql(...drops, ...this.#users.map((name) => `DROP USER '${name}'@'%'`));
  }
}
