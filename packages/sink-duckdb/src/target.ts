import { CopiedRanges, WeirError } from '@weir/sdk';
import { becomeSql, deltaTables, dropSql, isDeltaView, waitingSql, type DeltaTables } from './delta.ts';
import { identifier, qualified, type QualifiedName } from './sql-text.ts';
import { isThere, readTarget, type TargetColumn, type TargetTable } from './target-catalog.ts';
import type { Transaction } from './transaction.ts';

/** A column of a table that is made anew, and where its values come from. */
export interface MadeColumn extends TargetColumn {
  /** An SQL expression over the rows of the table that was there. */
  readonly from: string;
  /** Its name in the table that was there; null when it was not. */
  readonly origin: string | null;
}

/**
 * One table of the sink within the session's transaction, and how its shape can be changed there.
 *
 * DuckDB 1.5 takes ALTER TABLE ADD, DROP and TYPE only where all of this holds, and refuses at COMMIT or breaks otherwise:
 *
 * - the transaction has not deleted or updated rows of the table that were committed before ("another transaction has
 *   altered this table", at COMMIT); renaming a column is not concerned
 * - neither the table nor the change holds an expression that calls a function: a default such as `now()`, a CHECK, a type
 *   with a cast of its own (JSON). Otherwise the log that the statement leaves cannot be replayed, and after a crash the
 *   file does not open any more
 * - for DROP, TYPE and renaming a column: no index is on the table
 *
 * And an UPDATE of all rows keeps the old ones in memory, outside of what can be spilled. So whatever is not the plain case
 * makes the table anew from its rows, in one pass that DuckDB writes to the file as it goes.
 */
export class Target {
  readonly name: QualifiedName;
  readonly #transaction: Transaction;
  #table: TargetTable;
  /** True when the transaction changed or deleted committed rows of the table. */
  #modified = false;
  /** True when the transaction made the table. */
  #made = false;
  /** True when the transaction altered it. */
  #altered = false;
  /** What stands behind the name where that is a view, see `delta.ts`; null where it is a table. */
  #delta: (DeltaTables & { rows: number; gone: number }) | null = null;
  /** Whether rows are marked as deleted; null when it is not known. */
  holdsMarked: boolean | null = null;
  readonly copied: CopiedRanges;

  private constructor(transaction: Transaction, name: QualifiedName, table: TargetTable, isEmpty: boolean) {
    this.#transaction = transaction;
    this.name = name;
    this.#table = table;
    this.copied = new CopiedRanges(isEmpty);
  }

  /** A table that is there; null when it is not. */
  static async find(transaction: Transaction, name: QualifiedName): Promise<Target | null> {
    const table = await readTarget(transaction, name);
    if (table === null) return null;
    const target = Target.of(transaction, name, table);
    if (await isDeltaView(transaction, name)) {
      target.#delta = { ...deltaTables(name), rows: 0, gone: 0 };
      await target.countWaiting();
    }
    return target;
  }

  /** A table as the catalog has it. */
  static of(transaction: Transaction, name: QualifiedName, table: TargetTable): Target {
    return new Target(transaction, name, table, false);
  }

  /** Makes the table, in place of one that may be there. */
  static async make(transaction: Transaction, name: QualifiedName, columns: readonly TargetColumn[]): Promise<Target> {
    await transaction.run(
      `CREATE SCHEMA IF NOT EXISTS ${identifier(name.database)}.${identifier(name.schema)};\n` +
        `CREATE TABLE ${qualified(name)} (${definitions(columns)})`,
      `making ${name.schema}.${name.table}`,
    );
    const target = new Target(transaction, name, { columns, unique: [], indexes: [], constrained: false }, true);
    target.#made = true;
    target.holdsMarked = false;
    return target;
  }

  /** The two tables behind the view that it is; null where it is a table. */
  get delta(): (DeltaTables & { readonly rows: number; readonly gone: number }) | null {
    return this.#delta;
  }

  /** The table that new rows are appended to. */
  get rows(): QualifiedName {
    return this.#delta?.base ?? this.name;
  }

  /**
   * Whether it can become base and view: a table without anything of somebody's but columns, that this transaction has only
   * appended to.
   */
  get canBecomeDelta(): boolean {
    if (this.#modified || this.#made || this.#altered || !this.canRename) return false;
    return this.#table.unique.length === 0 && this.#table.columns.every(({ nullable }) => nullable);
  }

  /** Becomes base and view, unless their names are taken. @param key names of columns */
  async becomeDelta(key: readonly string[]): Promise<void> {
    const tables = deltaTables(this.name);
    for (const name of [tables.base, tables.delta]) if (await isThere(this.#transaction, name)) return;
    const names = this.#table.columns.map(({ name }) => name);
    await this.#run(becomeSql(this.name, names, key));
    this.#delta = { ...tables, rows: 0, gone: 0 };
  }

  /** To be called when the delta was changed. */
  async countWaiting(): Promise<void> {
    const delta = this.#delta!;
    const [row] = await this.#transaction.rows(waitingSql(delta), `changing ${this.name.schema}.${this.name.table}`);
    this.#delta = { ...delta, rows: Number(row![0]), gone: Number(row![1]) };
  }

  async drop(): Promise<void> {
    await this.#run(this.#delta === null ? `DROP TABLE ${qualified(this.name)}` : dropSql(this.name));
    this.#delta = null;
  }

  /** Deletes all rows. */
  async truncate(): Promise<void> {
    const tables = this.#delta === null ? [this.name] : [this.#delta.base, this.#delta.delta];
    await this.noteModified(Infinity);
    for (const table of tables) await this.#run(`DELETE FROM ${qualified(table)}`);
    if (this.#delta !== null) await this.countWaiting();
  }

  get table(): TargetTable {
    return this.#table;
  }

  /** Whether a column may be added with ALTER TABLE. */
  get canAdd(): boolean {
    return this.#delta === null && this.#isPlain && (this.#made || !this.#modified);
  }

  /** Whether a column may be renamed with ALTER TABLE. */
  get canRename(): boolean {
    return this.#delta === null && this.#isPlain && this.#table.indexes.length === 0;
  }

  get #isPlain(): boolean {
    return !this.#table.constrained && this.#table.columns.every((column) => column.default === null);
  }

  /**
   * To be called where rows are changed that may have been committed, and before they are deleted.
   * @param vectors how many vectors of the table lose rows, at most; what they hold is made room for
   */
  async noteModified(vectors: number): Promise<void> {
    this.#modified = true;
    await this.#transaction.allowDeletes(this.rows, vectors);
  }

  /** To be called after a commit. */
  startGroup(): void {
    this.#modified = false;
    this.#made = false;
    this.#altered = false;
  }

  async add(column: TargetColumn): Promise<void> {
    await this.#run(`ALTER TABLE ${qualified(this.name)} ADD COLUMN ${identifier(column.name)} ${column.sql}`);
    this.#set([...this.#table.columns, column]);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#run(`ALTER TABLE ${qualified(this.name)} RENAME COLUMN ${identifier(from)} TO ${identifier(to)}`);
    this.#set(this.#table.columns.map((column) => (column.name === from ? { ...column, name: to } : column)));
  }

  /** Makes the table anew from the rows that it has. Its indexes are made again, unless a column is renamed or goes. */
  async remake(columns: readonly MadeColumn[]): Promise<void> {
    const made = { ...this.name, table: `_weir_remade_${this.#transaction.nextNumber()}` };
    const values = columns.map(({ from }) => from).join(', ');
    await this.#run(
      `CREATE TABLE ${qualified(made)} (${definitions(columns)});\n` +
        `INSERT INTO ${qualified(made)} SELECT ${values} FROM ${qualified(this.name)} AS t;\n` +
        `${this.#delta === null ? `DROP TABLE ${qualified(this.name)}` : dropSql(this.name)};\n` +
        `ALTER TABLE ${qualified(made)} RENAME TO ${identifier(this.name.table)}`,
    );
    this.#delta = null;
    const kept = new Set(columns.filter(({ name, origin }) => origin === name).map(({ name }) => name));
    const isWhole = this.#table.columns.every(({ name }) => kept.has(name));
    const indexes = isWhole ? this.#table.indexes : [];
    for (const index of indexes) await this.#run(index);
    this.#table = { columns, unique: [], indexes, constrained: false };
    this.#made = true;
  }

  /** The columns as they are, for `remake`. */
  kept(): MadeColumn[] {
    return this.#table.columns.map((column) => ({ ...column, from: `t.${identifier(column.name)}`, origin: column.name }));
  }

  #set(columns: readonly TargetColumn[]): void {
    this.#altered = true;
    this.#table = { ...this.#table, columns };
  }

  async #run(sql: string): Promise<void> {
    await this.#transaction.run(sql, `changing ${this.name.schema}.${this.name.table}`);
  }
}

function definitions(columns: readonly TargetColumn[]): string {
  if (columns.length === 0) throw new WeirError('WEIR_SDK_USE', 'a table without columns');
  return columns
    .map(({ name, sql, nullable, default: value }) => {
      const rest = `${value === null ? '' : ` DEFAULT (${value})`}${nullable ? '' : ' NOT NULL'}`;
      return `${identifier(name)} ${sql}${rest}`;
    })
    .join(', ');
}
