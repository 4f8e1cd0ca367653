import type { BankSession } from './bank.ts';
import type { CountedTable } from './counted-rows.ts';
import { mysqlBank } from './mysql-bank.fake.ts';

/** Keys that are copied in chunks, one that is copied whole since only the server can order it, and one of two columns. */
export const mysqlCountedTables: readonly CountedTable[] = [
  { name: 'numbers', columns: 'id bigint', key: ['id'], keyOf: (id) => String(id * 7 - 100) },
  { name: 'names', columns: 'id varchar(20)', key: ['id'], keyOf: (id) => `'${['a', 'B', 'ä', 'Z', 'é'][id % 5]!}${id % 7}-${id}'` },
  { name: 'pairs', columns: 'region int, id bigint', key: ['region', 'id'], keyOf: (id) => `${id % 3}, ${1000 - id}` },
];

const KEYS = 24;
const WRITERS = 3;
/** How long a writer rests between transactions at most, in ms. */
const REST_MS = 80;

/**
 * `CountedRows` at MySQL or MariaDB: rows that count their updates in tables of one database, triggers that write down which versions
 * each key had, and writers that never rest, in transactions with savepoints, some of which roll back.
 */
export class MysqlCountedRows {
  readonly #url: string;
  readonly #random: () => number;
  #stopping = false;
  #running: Promise<void>[] = [];
  #lives = 0;
  commits = 0;

  /** @param url of an empty database */
  constructor(url: string, random: () => number) {
    this.#url = url;
    this.#random = random;
  }

  /** Makes the tables with rows in them. */
  async create(): Promise<void> {
    const half = Array.from({ length: KEYS / 2 }, (_none, at) => at * 2);
    await this.#with(async (session) => {
      await session.run('CREATE TABLE log (seq bigint AUTO_INCREMENT PRIMARY KEY, name varchar(10), key_text varchar(50), event varchar(120))');
      for (const table of mysqlCountedTables) {
        for (const statement of createTable(table)) await session.run(statement);
        for (const id of half) await session.run(this.#insert(table, id));
      }
    });
  }

  /** What the triggers wrote down of a table, for `byKey`. */
  async happened({ name }: CountedTable): Promise<Record<string, unknown>[]> {
    return await this.#ask(`SELECT key_text AS \`key\`, event FROM log WHERE name = '${name}' ORDER BY seq`);
  }

  /** The rows of a table. */
  async current(table: CountedTable): Promise<Record<string, unknown>[]> {
    return await this.#ask(`SELECT ${keyText(table, 't')} AS \`key\`, ${rowText('t')} AS \`row\` FROM ${table.name} t`);
  }

  start(): void {
    this.#stopping = false;
    this.#running = Array.from({ length: WRITERS }, async (_none, writer) => await this.#with((session) => this.#write(session, writer)));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
  }

  async #write(session: BankSession, writer: number): Promise<void> {
    while (!this.#stopping) {
      try {
        await this.#transaction(session, writer);
      } catch (error) {
        // Each waited for the other.
        if (!mysqlBank.isPassing(error)) throw error;
        await session.run('ROLLBACK');
      }
      await new Promise((resolve) => setTimeout(resolve, REST_MS * this.#random()));
    }
  }

  async #transaction(session: BankSession, writer: number): Promise<void> {
    await session.run('BEGIN');
    for (let change = 0; change < 1 + this.#random() * 4; change++) {
      const isPart = this.#random() < 0.3;
      const isTakenBack = isPart && this.#random() < 0.4;
      const statements = [...(isPart ? ['SAVEPOINT part'] : []), ...this.#change(writer), ...(isTakenBack ? ['ROLLBACK TO part'] : [])];
      for (const statement of statements) await this.#attempt(session, statement);
    }
    const isKept = this.#random() < 0.85;
    await session.run(isKept ? 'COMMIT' : 'ROLLBACK');
    if (isKept) this.commits++;
  }

  /** A statement that gives a row a key that another one has does nothing. Not by IGNORE: MariaDB runs triggers of rows that it ignores. */
  async #attempt(session: BankSession, statement: string): Promise<void> {
    try {
      await session.run(statement);
    } catch (error) {
      if ((error as { code?: string }).code !== 'ER_DUP_ENTRY') throw error;
    }
  }

  #change(writer: number): string[] {
    const table = mysqlCountedTables[Math.floor(this.#random() * mysqlCountedTables.length)]!;
    const [id, to] = [this.#key(), this.#key()];
    const kind = this.#random();
    if (kind < 0.2) return [this.#insert(table, id)];
    if (kind < 0.35) return [`DELETE FROM ${table.name} WHERE ${where(table, id)}`];
    if (kind < 0.55) return [move(table, id, to)];
    if (kind < 0.65) return [move(table, id, KEYS + writer), move(table, to, id), move(table, KEYS + writer, to)];
    if (kind < 0.7) return [`UPDATE ${table.name} SET version = version + 1 WHERE life % 7 = ${id % 7}`];
    const body = kind < 0.85 ? `, body = ${this.#body()}` : '';
    return [`UPDATE ${table.name} SET version = version + 1${body} WHERE ${where(table, id)}`];
  }

  #key(): number {
    return Math.floor(this.#random() * KEYS);
  }

  #insert({ name, keyOf }: CountedTable, id: number): string {
    return `INSERT INTO ${name} VALUES (${keyOf(id)}, ${++this.#lives}, 1, ${this.#body()})`;
  }

  #body(): string {
    const kind = this.#random();
    const text = Math.floor(this.#random() * 1e9);
    if (kind < 0.1) return 'NULL';
    return kind < 0.3 ? `'small ${text}'` : `REPEAT(SHA2('${text}', 256), ${35 + (text % 20)})`;
  }

  async #ask(sql: string): Promise<Record<string, unknown>[]> {
    return await this.#with(async (session) => (await session.run(sql)) as Record<string, unknown>[]);
  }

  async #with<Result>(work: (session: BankSession) => Promise<Result>): Promise<Result> {
    const session = await mysqlBank.connect(this.#url);
    try {
      return await work(session);
    } finally {
      await session.end();
    }
  }
}

/** What a trigger writes down of a row, as `RowHistory` has it: life and version, and its body. MySQL 9 has no MD5. */
function rowText(row: string): string {
  return `CONCAT(${row}.life, '.', ${row}.version, ' ', COALESCE(SHA2(${row}.body, 256), 'null'))`;
}

function keyText({ key }: CountedTable, row: string): string {
  return `CONCAT_WS('|', ${key.map((column) => `${row}.${column}`).join(', ')})`;
}

function createTable(table: CountedTable): string[] {
  const { name, columns, key } = table;
  const [old, now] = [keyText(table, 'OLD'), keyText(table, 'NEW')];
  const noted = (keyOf: string, event: string): string => `INSERT INTO log (name, key_text, event) VALUES ('${name}', ${keyOf}, ${event})`;
  return [
    `CREATE TABLE ${name} (${columns}, life bigint NOT NULL, version int NOT NULL, body text, PRIMARY KEY (${key.join(', ')}))`,
    `CREATE TRIGGER inserted_${name} AFTER INSERT ON ${name} FOR EACH ROW ${noted(now, rowText('NEW'))}`,
    `CREATE TRIGGER deleted_${name} AFTER DELETE ON ${name} FOR EACH ROW ${noted(old, "'gone'")}`,
    `CREATE TRIGGER updated_${name} AFTER UPDATE ON ${name} FOR EACH ROW BEGIN
       IF ${old} <> ${now} THEN ${noted(old, "'gone'")}; END IF;
       ${noted(now, rowText('NEW'))};
     END`,
  ];
}

function where({ key, keyOf }: Pick<CountedTable, 'key' | 'keyOf'>, id: number): string {
  return `(${key.join(', ')}) = (${keyOf(id)})`;
}

function move({ name, key, keyOf }: CountedTable, id: number, to: number): string {
  const cells = keyOf(to).split(', ');
  const sets = key.map((column, at) => `${column} = ${cells[at]!}`);
  return `UPDATE ${name} SET ${sets.join(', ')}, version = version + 1 WHERE ${where({ key, keyOf }, id)}`;
}
