import { randomBytes } from 'node:crypto';
import type { StartedMariaDbContainer } from '@testcontainers/mariadb';
import type { StartedMySqlContainer } from '@testcontainers/mysql';
import { docker } from '@weir/services';
import { imagesOf, startContainer } from './container-image.ts';
import { lastingPort } from './lasting-port.ts';
import { mysqlFlavours, type MysqlFlavour } from './mysql-flavour.ts';
import { urlFor, type Service, type ServiceOptions } from './started-service.ts';

/** A database of one test; disposing it drops it. */
export interface MysqlDatabase extends AsyncDisposable {
  readonly name: string;
  /** Of root, in this database. */
  readonly url: string;
}

/** Longest that a server may take to end by itself, in ms. */
const STOP_LIMIT = 60_000;
/** Longest that a dropped database waits for a session that still uses it, in seconds. */
const DROP_LIMIT = 10;

/** A MySQL or MariaDB server that logs whole rows. */
export class MysqlService implements Service {
  readonly title: string;
  readonly variable: string;
  readonly #flavour: MysqlFlavour;
  readonly #options: ServiceOptions;
  #container: StartedMySqlContainer | StartedMariaDbContainer | null = null;
  #url: string | null = null;

  constructor(name: MysqlFlavour['name'], options: ServiceOptions) {
    this.#flavour = mysqlFlavours[name];
    this.#options = options;
    this.variable = options.isOwn === true ? '' : this.#flavour.variable;
    this.title = `${name} ${imagesOf(name, options.version).version}`;
  }

  /** Of root, without a database; known once the tests run. A container's stays the same when it restarts. */
  get url(): string {
    if (this.#url === null) throw new Error(`${this.title} has not started; its URL is known in tests and hooks only`);
    return this.#url;
  }

  /** Where other containers reach it, as `host:port`; another one after a restart. */
  get upstream(): string {
    if (this.#container !== null) return `${this.#container.getIpAddress('bridge')}:3306`;
    const { hostname, port } = new URL(this.url);
    return `${hostname}:${port === '' ? 3306 : port}`;
  }

  async start(): Promise<void> {
    this.#url = urlFor(this);
    if (this.#url !== null) return;
    const { name, settings } = this.#flavour;
    const port = await lastingPort();
    this.#container = await startContainer(
      imagesOf(name, this.#options.version),
      async (image) => await this.#flavour.start(image, port, { ...settings, ...this.#options.settings }),
    );
    this.#url = `mysql://root:${this.#container.getRootPassword()}@${this.#container.getHost()}:${port}`;
  }

  async stop(): Promise<void> {
    await this.#container?.stop({ timeout: 0 });
    this.#container = null;
    this.#url = null;
  }

  /**
   * Ends the server and starts it on its data again.
   * @param ending `immediate` is SIGKILL: the next start recovers
   * @throws Error where a variable named the server
   */
  async restart(ending: 'fast' | 'immediate' = 'fast'): Promise<void> {
    if (this.#container === null) throw new Error(`${this.title} is not a container that was started here`);
    if (ending === 'immediate') {
      const { code, output } = await docker(['kill', this.#container.getId()]);
      if (code !== 0) throw new Error(`${this.title} could not be killed: ${output.trim()}`);
    }
    await this.#container.restart({ timeout: STOP_LIMIT });
  }

  /** A new database, for one test. Dropping it fails where a session or a prepared transaction still holds its tables. */
  async database(): Promise<MysqlDatabase> {
    const name = `test_${randomBytes(6).toString('hex')}`;
    const server = this.url;
    await query(server, [`CREATE DATABASE ${name}`]);
    const url = new URL(server);
    url.pathname = `/${name}`;
    return {
      name,
      url: url.href,
      [Symbol.asyncDispose]: async () =>
        await query(server, [`SET SESSION lock_wait_timeout = ${DROP_LIMIT}`, `DROP DATABASE IF EXISTS ${name}`]),
    };
  }
}

async function query(url: string, statements: readonly string[]): Promise<void> {
  const { createConnection } = await import('mysql2/promise');
  await using connection = await createConnection(url);
  for (const statement of statements) await connection.query(statement);
}
