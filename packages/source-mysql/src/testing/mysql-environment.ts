import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, query, type MysqlClient } from '@weir/mysql';
import { Secret, type Checkpoint, type Position, type Source, type SourceSession, type Table } from '@weir/sdk';
import { itemsStatement, type Change, type Quoting, type ShapeStatement, type SourceEnvironment } from '@weir/testkit';
import { mysql, type MysqlOptions } from '../mysql.ts';
import { parsePosition, fileNumber } from '../position.ts';
import { readServerLog } from '../server-log.ts';
import { typeCasesOf, type MysqlTypeCase } from './type-cases.ts';
import type { Flavour } from '../checkpoint-state.ts';

const signal = new AbortController().signal;

/** As both servers write names and texts. */
export const mysqlQuoting: Quoting = {
  name: (name) => `\`${name.replaceAll('`', '``')}\``,
  text: (text) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`,
};

/** A database of one test on a server that others use as well, with a user of its own for the pipeline. */
export class MysqlEnvironment implements SourceEnvironment {
  readonly name: string;
  readonly flavour: Flavour;
  readonly #server: string;
  readonly #options: Partial<MysqlOptions>;
  readonly #typeCases: readonly MysqlTypeCase[];
  /** The furthest place that a session was told to be durable. */
  #confirmed: Position | null = null;

  private constructor(server: string, flavour: Flavour, options: Partial<MysqlOptions>, name = `t${randomBytes(4).toString('hex')}`) {
    this.name = name;
    this.flavour = flavour;
    this.#server = server;
    this.#options = options;
    this.#typeCases = typeCasesOf(flavour);
  }

  static async start(server: string, flavour: Flavour, options: Partial<MysqlOptions> = {}): Promise<MysqlEnvironment> {
    const environment = new MysqlEnvironment(server, flavour, options);
    const { name } = environment;
    const rights = flavour === 'mysql' ? 'REPLICATION SLAVE, REPLICATION CLIENT' : 'REPLICATION SLAVE, BINLOG MONITOR';
    await environment.#run(null, [
      `CREATE DATABASE ${name}`,
      `CREATE USER '${name}'@'%' IDENTIFIED BY 'secret'`,
      `GRANT ${rights} ON *.* TO '${name}'@'%'`,
      `GRANT SELECT, LOCK TABLES ON ${name}.* TO '${name}'@'%'`,
    ]);
    await environment.sql('CREATE TABLE items (id int PRIMARY KEY, label text, large longtext)', 'CREATE TABLE other_log (content text)');
    return environment;
  }

  /** The same database at a server that replicates it. It is dropped by the one that made it. */
  at(server: string): Omit<MysqlEnvironment, typeof Symbol.asyncDispose> {
    return new MysqlEnvironment(server, this.flavour, this.#options, this.name);
  }

  /** @param folder of the pipeline; absent: none */
  source(options: Partial<MysqlOptions> = {}, folder?: string): Source {
    const url = this.#url(this.name, { username: this.name, password: 'secret' });
    const tables = [`${this.name}.*`, `!${this.name}.other_*`];
    const source = mysql({ url, tables, ...this.#options, ...options }, { pipeline: this.name, folder });
    return new ConfirmingSource(source, (checkpoint) => this.#durable(checkpoint));
  }

  /** Runs statements in one session, as root. @returns the rows of the last */
  async sql(...statements: string[]): Promise<(string | null)[][]> {
    return await this.#run(this.name, statements);
  }

  /** A statement that defines something ends the transaction before it. */
  async apply(changes: readonly (Change | ShapeStatement)[], end: 'commit' | 'rollback' = 'commit'): Promise<void> {
    await this.sql('SET autocommit = 0', ...changes.map(statementOf), end);
  }

  async fill(first: number, count: number, label: string): Promise<void> {
    const digits = Array.from({ length: 10 }, (_, digit) => `SELECT ${digit} AS d`).join(' UNION ALL ');
    const places = Array.from({ length: Math.max(1, String(count - 1).length) }, (_, place) => `(${digits}) AS p${place}`);
    const number = places.map((_, place) => `p${place}.d * ${10 ** place}`).join(' + ');
    await this.sql(
      `INSERT INTO items SELECT ${first} + n, ${mysqlQuoting.text(label)}, NULL FROM (SELECT ${number} AS n FROM ${places.join(', ')}) AS numbers WHERE n < ${count}`,
    );
  }

  async createTypes(): Promise<void> {
    const columns = this.#typeCases.map(({ column, sqlType }) => `${column} ${sqlType}`).join(', ');
    await this.sql(`CREATE TABLE types (id int PRIMARY KEY, ${columns})`);
    await this.insertTypes();
  }

  async insertTypes(): Promise<void> {
    const rowCount = Math.max(...this.#typeCases.map(({ values }) => values.length));
    const rows = Array.from({ length: rowCount }, (_, row) => `(${row + 1}, ${this.#typeCases.map(({ values }) => values[row] ?? 'NULL').join(', ')})`);
    const settings = "SET time_zone = '+00:00', sql_mode = 'ALLOW_INVALID_DATES', autocommit = 0";
    await this.sql(settings, 'DELETE FROM types', `INSERT INTO types VALUES ${rows.join(', ')}`, 'COMMIT');
  }

  async otherActivity(): Promise<void> {
    await this.sql(`INSERT INTO other_log VALUES ${Array.from({ length: 100 }, () => "(REPEAT('x', 60000))").join(', ')}`);
  }

  /** What must not be removed: the log behind what the pipeline made durable. */
  async retainedBytes(): Promise<number> {
    const from = this.#confirmed === null ? null : parsePosition(this.#confirmed);
    const files = await this.sql('SHOW BINARY LOGS');
    const kept = files.filter(([file]) => from === null || fileNumber(file!) >= from.file);
    const bytes = kept.reduce((sum, [, size]) => sum + Number(size), 0);
    return bytes - (from !== null && kept.some(([file]) => fileNumber(file!) === from.file) ? from.offset : 0);
  }

  async disconnect(): Promise<void> {
    for (;;) {
      const connections = await this.sql(`SELECT id FROM information_schema.processlist WHERE user = '${this.name}'`);
      if (connections.length === 0) return;
      for (const [id] of connections) await this.sql(`KILL ${id}`).catch(() => {});
      await sleep(10);
    }
  }

  /** Whose log it is, and where it ends. */
  async log(): ReturnType<typeof readServerLog> {
    return await this.#with(null, readServerLog);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.disconnect();
    await this.#run(null, [`DROP DATABASE ${this.name}`, `DROP USER '${this.name}'@'%'`]);
  }

  #durable({ position }: Checkpoint): void {
    if (this.#confirmed === null || position > this.#confirmed) this.#confirmed = position;
  }

  async #run(database: string | null, statements: readonly string[]): Promise<(string | null)[][]> {
    return await this.#with(database, async (client) => {
      let rows: (string | null)[][] = [];
      for (const statement of statements) rows = await query(client, statement);
      return rows;
    });
  }

  async #with<Result>(database: string | null, work: (client: MysqlClient) => Promise<Result>): Promise<Result> {
    const client = await connect({ url: new Secret(this.#url(database)) }, signal);
    try {
      return await work(client);
    } finally {
      await client.close();
    }
  }

  #url(database: string | null, user: { username?: string; password?: string } = {}): string {
    return Object.assign(new URL(this.#server), { pathname: database === null ? '/' : `/${database}`, ...user }).href;
  }
}

function statementOf(change: Change | ShapeStatement): string {
  if (change.op !== 'addColumn') return itemsStatement(change, mysqlQuoting);
  // A text has no constant default at MySQL.
  const value = change.value === null ? '' : ` DEFAULT ${mysqlQuoting.text(change.value)}`;
  return `ALTER TABLE items ADD COLUMN ${mysqlQuoting.name(change.column)} varchar(200)${value}`;
}

/** Notes what sessions are told to be durable, which no server knows. */
class ConfirmingSource implements Source {
  readonly #source: Source;
  readonly #durable: (checkpoint: Checkpoint) => void;

  constructor(source: Source, durable: (checkpoint: Checkpoint) => void) {
    this.#source = source;
    this.#durable = durable;
  }

  async open(...from: Parameters<Source['open']>): Promise<SourceSession> {
    const session = await this.#source.open(...from);
    const confirm = session.confirm.bind(session);
    session.confirm = async (checkpoint) => {
      await confirm(checkpoint);
      this.#durable(checkpoint);
    };
    return session;
  }

  async head(ending: AbortSignal): ReturnType<Source['head']> {
    return await this.#source.head(ending);
  }

  async discover(ending: AbortSignal): ReturnType<Source['discover']> {
    return await this.#source.discover(ending);
  }

  async check(ending: AbortSignal): ReturnType<Source['check']> {
    return await this.#source.check(ending);
  }

  scan(table: Table, ending: AbortSignal): ReturnType<Source['scan']> {
    return this.#source.scan(table, ending);
  }
}
