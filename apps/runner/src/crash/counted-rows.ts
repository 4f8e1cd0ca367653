import pg from 'pg';

/** A table of `CountedRows`: `key` turns a number into the SQL of the key's columns. */
export interface CountedTable {
  readonly name: string;
  readonly columns: string;
  readonly key: readonly string[];
  readonly keyOf: (id: number) => string;
}

export const countedTables: readonly CountedTable[] = [
  { name: 'numbers', columns: 'id bigint', key: ['id'], keyOf: (id) => String(id * 7 - 100) },
  {
    name: 'names',
    columns: 'id text COLLATE "und-x-icu"',
    key: ['id'],
    keyOf: (id) => `'${['a', 'B', 'ä', 'Z', 'é'][id % 5]!}${id % 7}${String.fromCharCode(65 + (id % 26))}${id}'`,
  },
  {
    name: 'pairs',
    columns: 'region text COLLATE "C", id uuid',
    key: ['region', 'id'],
    keyOf: (id) => `'r${id % 3}', md5('${id}')::uuid`,
  },
];

const KEYS = 24;
const WRITERS = 3;
/** How long a writer rests between transactions, so that many of them leave a machine to those who read. In ms. */
const REST_MS = 40;
/** Another writer was quicker, or each waited for the other. */
const PASSING = new Set(['23505', '40P01']);

/**
 * Tables in a schema of their own whose rows count their updates: a row has a life, another one each time it is inserted, and
 * a version in it. A trigger writes down, in the same transaction, which versions each key had. Writers that never rest change
 * all rows, also each other's, in transactions with savepoints; some roll back, some commit asynchronously. Bodies are mostly
 * too large for their row, and left out of the log by changes that leave them as they are.
 */
export class CountedRows {
  readonly #url: string;
  readonly #schema: string;
  readonly #random: () => number;
  #stopping = false;
  #running: Promise<void>[] = [];
  commits = 0;

  constructor(url: string, schema: string, random: () => number) {
    this.#url = url;
    this.#schema = schema;
    this.#random = random;
  }

  /** Makes the tables with rows in them. */
  async create(): Promise<void> {
    const client = new pg.Client(this.#url);
    await client.connect();
    const half = Array.from({ length: KEYS / 2 }, (_, i) => i * 2);
    await client.query(`
      CREATE SCHEMA ${this.#schema};
      SET search_path = ${this.#schema};
      CREATE SEQUENCE lives;
      CREATE TABLE log (seq bigserial, name text, key text, event text, is_moved_whole boolean);
      ${countedTables.map((table) => createTable(this.#schema, table)).join('\n')}
      ${this.#random() < 0.5 ? 'ALTER TABLE pairs REPLICA IDENTITY FULL;' : ''}
      ${countedTables.flatMap((table) => half.map((id) => this.#insert(table, id))).join(';\n')}`);
    await client.end();
  }

  start(): void {
    this.#running = Array.from({ length: WRITERS }, async (_none, writer) => await this.#write(writer));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
  }

  async #write(writer: number): Promise<void> {
    const client = new pg.Client(this.#url);
    await client.connect();
    await client.query(`SET search_path = ${this.#schema}`);
    try {
      while (!this.#stopping) {
        await this.#transaction(client, writer);
        await new Promise((resolve) => setTimeout(resolve, REST_MS * 2 * this.#random()));
      }
    } finally {
      await client.end();
    }
  }

  async #transaction(client: pg.Client, writer: number): Promise<void> {
    await client.query(`BEGIN${this.#random() < 0.3 ? '; SET LOCAL synchronous_commit = off' : ''}`);
    try {
      for (let change = 0; change < 1 + this.#random() * 4; change++) {
        const isPart = this.#random() < 0.3;
        const isTakenBack = isPart && this.#random() < 0.4;
        const statements = [...(isPart ? ['SAVEPOINT part'] : []), ...this.#change(writer), ...(isTakenBack ? ['ROLLBACK TO part'] : [])];
        await client.query(statements.join('; '));
      }
      const isKept = this.#random() < 0.85;
      await client.query(isKept ? 'COMMIT' : 'ROLLBACK');
      if (isKept) this.commits++;
    } catch (error) {
      if (!PASSING.has(String((error as { code?: unknown }).code))) throw error;
      await client.query('ROLLBACK');
    }
  }

  #change(writer: number): string[] {
    const table = countedTables[Math.floor(this.#random() * countedTables.length)]!;
    const [id, to] = [this.#key(), this.#key()];
    const kind = this.#random();
    if (kind < 0.2) return [`${this.#insert(table, id)} ON CONFLICT DO NOTHING`];
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

  #insert(table: CountedTable, id: number): string {
    return `INSERT INTO ${table.name} VALUES (${table.keyOf(id)}, nextval('lives'), 1, ${this.#body()})`;
  }

  /** Mostly more than the 2 kB that a row keeps with itself. */
  #body(): string {
    const kind = this.#random();
    const text = Math.floor(this.#random() * 1e9);
    if (kind < 0.1) return 'NULL';
    return kind < 0.3 ? `'small ${text}'` : `repeat(md5('${text}'), ${70 + (text % 40)})`;
  }
}

/** What the trigger writes down of a row, as `RowHistory` has it: life and version, and its body. */
export function rowText(row: string): string {
  return `concat(${row}.life, '.', ${row}.version, ' ', coalesce(md5(${row}.body), 'null'))`;
}

export function keyText({ key }: CountedTable, row: string): string {
  return `concat_ws('|', ${key.map((column) => `${row}.${column}`).join(', ')})`;
}

function createTable(schema: string, table: CountedTable): string {
  const { name, columns, key } = table;
  const [old, now] = [keyText(table, 'OLD'), keyText(table, 'NEW')];
  const isMovedWhole = `TG_OP = 'UPDATE' AND OLD.body = NEW.body AND octet_length(NEW.body) > 2000`;
  return `
    CREATE TABLE ${name} (${columns}, life bigint NOT NULL, version int NOT NULL, body text, PRIMARY KEY (${key.join(', ')}));
    ALTER TABLE ${name} ALTER body SET STORAGE EXTERNAL;
    CREATE FUNCTION note_${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND ${old} <> ${now} THEN
        INSERT INTO ${schema}.log (name, key, event) VALUES ('${name}', ${old}, 'gone');
      END IF;
      IF TG_OP <> 'DELETE' THEN
        INSERT INTO ${schema}.log (name, key, event, is_moved_whole)
          VALUES ('${name}', ${now}, ${rowText('NEW')}, TG_OP = 'UPDATE' AND ${old} <> ${now} AND ${isMovedWhole});
      END IF;
      RETURN NULL; END $$;
    CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON ${name} FOR EACH ROW EXECUTE FUNCTION note_${name}();`;
}

function where({ key, keyOf }: CountedTable, id: number): string {
  return `(${key.join(', ')}) = (${keyOf(id)})`;
}

function move(table: CountedTable, id: number, to: number): string {
  const { name, key, keyOf } = table;
  const isFree = `NOT EXISTS (SELECT FROM ${name} WHERE ${where(table, to)})`;
  return `UPDATE ${name} SET (${key.join(', ')}, version) = (SELECT ${keyOf(to)}, version + 1) WHERE ${where(table, id)} AND ${isFree}`;
}
