import type { Doing, QualifiedName } from '@weir/sql-sink';
import type { TargetTable } from './inspect-target.ts';
import type { SideConnection } from './side-connection.ts';
import { identifier, literal, qualified } from './sql-text.ts';
import type { TargetShapes } from './target-shapes.ts';
import type { Transaction } from './transaction.ts';

/** Which rows of a table stay where its new key cannot tell them apart, and what new columns hold. */
export interface CopyOptions {
  /** Literals, by column; others are copied. */
  readonly values?: ReadonlyMap<string, Buffer>;
  /** Of marked rows that are one by this key the last stays, or none beside a row that is there. */
  readonly distinct?: { readonly key: readonly string[]; readonly mark: string };
}

/**
 * Tables that this commit makes beside the target, to take its place when it is through. They are not visible under a name
 * that anybody asks for, so it does no harm when the commit never happens; the next session removes them.
 */
export class TableCopies {
  readonly #transaction: Transaction;
  readonly #side: SideConnection;
  readonly #shapes: TargetShapes;
  readonly #prefix: string;
  readonly #digest: string;
  readonly #fence: number;
  #made = 0;

  /**
   * @param digest of the shard, see `OwnTables`
   * @param fence tells the tables of one session from those of another
   */
  constructor(transaction: Transaction, side: SideConnection, shapes: TargetShapes, digest: string, fence: string) {
    this.#transaction = transaction;
    this.#side = side;
    this.#shapes = shapes;
    this.#digest = digest;
    this.#fence = Number(fence);
    this.#prefix = `_weir_${this.#digest}_${fence}`;
  }

  async makeDatabase(schema: string, at: Doing): Promise<void> {
    const sql = `SELECT 1 FROM information_schema.schemata WHERE schema_name = ${literal(schema)}`;
    if ((await this.#transaction.run(sql, at)).rows.length > 0) return;
    await this.#side.run(`CREATE DATABASE IF NOT EXISTS ${identifier(schema)}`, at);
  }

  /** Makes an empty table that takes the target's place. @param sql the statement that makes it, under the name it is given */
  async make(target: QualifiedName, sql: (place: QualifiedName) => string, at: Doing): Promise<void> {
    const place = this.#place(target);
    await this.#side.run(sql(place), at);
    this.#shapes.move(target, place);
  }

  /**
   * Adds a column to a table that the open transaction has not touched.
   * @param add `ADD COLUMN …`, without a value
   * @param value a literal, for rows that are there; null for NULL
   * @param modify `MODIFY COLUMN …`, which takes the default away again: rows to come have their own values
   */
  async addInPlace(target: QualifiedName, add: string, value: Buffer | null, modify: string, at: Doing): Promise<void> {
    const alter = `ALTER TABLE ${qualified(target)}`;
    if (value === null) return void (await this.#side.run(`${alter} ${add}`, at));
    // Where the default is a literal the server notes it once and rewrites no row; of long types it takes expressions only.
    const [open, close] = /\blong(?:text|blob)\b/.test(add) ? ['(', ')'] : ['', ''];
    await this.#side.run(Buffer.concat([Buffer.from(`${alter} ${add} DEFAULT ${open}`), value, Buffer.from(close)]), at);
    await this.#side.run(`${alter} ${modify}`, at);
  }

  /** Copies the rows of a target to a table of another shape, which takes its place. @param actions of ALTER TABLE, one by one */
  async reshape(target: QualifiedName, found: TargetTable, actions: readonly string[], at: Doing, options: CopyOptions): Promise<void> {
    const place = this.#place(target);
    const name = qualified(place);
    await this.#side.run(`CREATE TABLE ${name} LIKE ${qualified(found.place)}`, at);
    const steps = this.#shapes.columnSteps(target).map((step) =>
      'dropped' in step
        ? `DROP COLUMN ${identifier(step.dropped)}`
        : `RENAME COLUMN ${identifier(step.from)} TO ${identifier(step.to)}`,
    );
    for (const action of steps) await this.#side.run(`ALTER TABLE ${name} ${action}`, at);
    await this.#side.run(`ALTER TABLE ${name} ${actions.join(', ')}`, at);
    await this.#copyRows(name, found, at, options);
    this.#shapes.move(target, place);
  }

  async #copyRows(name: string, found: TargetTable, at: Doing, { values = new Map(), distinct }: CopyOptions): Promise<void> {
    const copied = found.columns.filter((column) => !column.generated && !values.has(column.name));
    const columns = [...copied.map((column) => column.name), ...values.keys()].map(identifier).join(', ');
    const from = distinct === undefined ? qualified(found.place) : distinctRows(found, distinct);
    const select = copied.map(({ name: column, physical = column }) => identifier(physical));
    const parts: Buffer[] = [Buffer.from(`INSERT INTO ${name} (${columns}) SELECT ${select.join(', ')}`)];
    for (const value of values.values()) parts.push(Buffer.from(parts.length > 1 || select.length > 0 ? ', ' : ' '), value);
    parts.push(Buffer.from(` FROM ${from}`));
    await this.#transaction.sendText(Buffer.concat(parts), at);
  }

  /** Removes what sessions before this one left, and nothing of one that has taken its place (invariant 5). */
  async sweep(): Promise<void> {
    const at = { doing: 'removing tables that were left' };
    const { rows } = await this.#side.run(
      `SELECT table_schema, table_name FROM information_schema.tables
        WHERE table_name LIKE ${literal(`\\_weir\\_${this.#digest}\\_%`)}`,
      at,
    );
    const before = rows.filter(([, table]) => Number(/^_weir_[0-9a-f]{12}_(\d+)_/.exec(table!)?.[1]) < this.#fence);
    for (const [schema, table] of before) {
      await this.#side.run(`DROP TABLE IF EXISTS ${qualified({ schema: schema!, table: table! })}`, at);
    }
  }

  #place({ schema }: QualifiedName): QualifiedName {
    return { schema, table: `${this.#prefix}_${++this.#made}` };
  }
}

function distinctRows(found: TargetTable, { key, mark }: NonNullable<CopyOptions['distinct']>): string {
  const keyColumns = key.map((name) => identifier(found.columns.find((column) => column.name === name)?.physical ?? name));
  const known = keyColumns.map((name) => `${name} IS NOT NULL`).join(' AND ');
  const list = found.columns.map(({ name, physical = name }) => identifier(physical)).join(', ');
  const number = `ROW_NUMBER() OVER (PARTITION BY ${keyColumns.join(', ')} ORDER BY ${mark} IS NULL DESC, ${mark} DESC)`;
  return (
    `(SELECT * FROM (SELECT ${list}, ${number} AS _weir_n FROM ${qualified(found.place)}) AS n ` +
    `WHERE ${mark} IS NULL OR (_weir_n = 1 AND ${known})) AS d`
  );
}
