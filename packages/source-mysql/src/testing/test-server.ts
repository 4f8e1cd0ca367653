import { randomBytes } from 'node:crypto';
import { connect, query, type ConnectionConfig } from '@weir/mysql';
import { Secret } from '@weir/sdk';
import type { MysqlService } from '@weir/testkit/services';
import { readServerLog, type ServerLog } from '../server-log.ts';

type Cell = string | null;

const signal = new AbortController().signal;

/** A database of one test, and users, on a server that others use as well; dropped when it is disposed. */
export class TestServer implements AsyncDisposable {
  readonly name: string;
  readonly #url: string;
  readonly #users: string[] = [];

  private constructor(url: string, name: string) {
    this.#url = url;
    this.name = name;
  }

  static async with(service: MysqlService, ...statements: string[]): Promise<TestServer> {
    const name = `t${randomBytes(4).toString('hex')}`;
    const server = new TestServer(service.url, name);
    await server.#run(null, [`CREATE DATABASE ${name}`]);
    await server.sql(...statements);
    return server;
  }

  /** Of root, in the database. */
  get config(): ConnectionConfig {
    return this.configOf();
  }

  configOf(user: { name: string; password: string } | null = null): ConnectionConfig {
    const url = new URL(this.#url);
    url.pathname = `/${this.name}`;
    if (user !== null) Object.assign(url, { username: user.name, password: user.password });
    return { url: new Secret(url.href) };
  }

  /** Runs statements in one session, as root. @returns the rows of the last */
  async sql(...statements: string[]): Promise<Cell[][]> {
    return await this.#run(this.name, statements);
  }

  /** A user with these rights. */
  async user(...grants: string[]): Promise<ConnectionConfig> {
    const name = `${this.name}_${this.#users.length}`;
    this.#users.push(name);
    await this.sql(`CREATE USER '${name}'@'%' IDENTIFIED BY 'secret'`, ...grants.map((grant) => `GRANT ${grant} TO '${name}'@'%'`));
    return this.configOf({ name, password: 'secret' });
  }

  async log(): Promise<ServerLog> {
    const client = await connect(this.config, signal);
    try {
      return await readServerLog(client);
    } finally {
      await client.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#run(null, [`DROP DATABASE ${this.name}`, ...this.#users.map((name) => `DROP USER '${name}'@'%'`)]);
  }

  async #run(database: string | null, statements: readonly string[]): Promise<Cell[][]> {
    const url = new URL(this.#url);
    url.pathname = database === null ? '/' : `/${database}`;
    const client = await connect({ url: new Secret(url.href) }, signal);
    try {
      let rows: Cell[][] = [];
      for (const statement of statements) rows = await query(client, statement);
      return rows;
    } finally {
      await client.close();
    }
  }
}
