import { columnEncoder, NullEncoder } from './column-encoders.ts';
import type { EncodedColumn } from './encode.ts';
import { isLaid, type LaidColumn, type Layout } from './layout.ts';
import { Loader, type LoadedColumn, type LoadedRows } from './loader.ts';
import { identifier, qualified, type QualifiedName } from './sql-text.ts';
import type { TargetColumn } from './target-catalog.ts';
import type { Transaction } from './transaction.ts';
import { namedType } from './types.ts';

/** Which part of the loaded rows has what: the batch its columns, the other Weir's own. */
const BATCH_PART = 0;
const OWN_PART = 1;

/**
 * Appends rows to a table of the sink, which may have more columns than the rows.
 *
 * DuckDB's appender takes whole rows, and knows of no defaults. So where a column of the table that the rows lack has one,
 * or a type that is unknown here, the rows go into a temporary table first and from there with an INSERT.
 */
export class TargetLoader {
  readonly #transaction: Transaction;
  readonly #target: QualifiedName;
  readonly #layout: Layout;
  readonly #isDirect: boolean;
  #loader: Loader | null = null;
  #detour: string | null = null;

  constructor(transaction: Transaction, target: QualifiedName, layout: Layout) {
    this.#transaction = transaction;
    this.#target = target;
    this.#layout = layout;
    this.#isDirect = layout.extra.every((column) => column.default === null && namedType(column.sql) !== null);
  }

  get pendingRows(): number {
    return this.#loader?.pendingRows ?? 0;
  }

  get pendingBytes(): number {
    return this.#loader?.pendingBytes ?? 0;
  }

  /** @param bytes what the long strings of the rows take. @throws WeirError WEIR_DUCKDB_VALUE */
  async append(rows: LoadedRows, from: number, bytes: number): Promise<void> {
    this.#loader ??= await (this.#isDirect ? this.#open(this.#target, this.#layout.order) : this.#openDetour());
    this.#loader.append(rows, from);
    this.#loader.addPendingBytes(bytes);
  }

  flush(): void {
    this.#loader?.flush();
  }

  /** Makes the table hold every row. */
  async settle(): Promise<void> {
    this.flush();
    if (this.#detour === null) return;
    const names = this.#laid.map((column) => identifier(column.target)).join(', ');
    await this.#transaction.run(
      `INSERT INTO ${qualified(this.#target)} (${names}) SELECT * FROM ${this.#detour}`,
      `appending to ${this.#target.schema}.${this.#target.table}`,
    );
    await this.#dropDetour();
  }

  /** Forgets what was not settled. */
  async discard(): Promise<void> {
    if (this.#detour === null) this.#loader?.discard();
    else await this.#dropDetour();
  }

  /** Ends it; rows that were not flushed are forgotten. */
  close(): void {
    this.#loader?.close();
    this.#loader = null;
    this.#detour = null;
  }

  async #dropDetour(): Promise<void> {
    const detour = this.#detour;
    this.close();
    await this.#transaction.run(`DROP TABLE ${detour}`, `appending to ${this.#target.schema}.${this.#target.table}`);
  }

  get #laid(): readonly LaidColumn[] {
    return [...this.#layout.columns, ...this.#layout.own];
  }

  async #openDetour(): Promise<Loader> {
    const name = { database: 'temp', schema: 'main', table: `weir_load_${this.#transaction.nextNumber()}` };
    const columns = this.#laid.map((column, index) => `c${index} ${column.type.sql}`).join(', ');
    this.#detour = `temp.main.${name.table}`;
    await this.#transaction.run(`CREATE TEMP TABLE ${name.table} (${columns})`, `appending to ${this.#target.table}`);
    return this.#open(name, this.#laid);
  }

  #open(name: QualifiedName, columns: readonly (LaidColumn | TargetColumn)[]): Promise<Loader> {
    const { connection, slots } = this.#transaction;
    return Loader.open(
      connection,
      name,
      columns.map((column) => this.#loaded(column)),
      slots,
    );
  }

  #loaded(column: LaidColumn | TargetColumn): LoadedColumn {
    const { slots } = this.#transaction;
    const isOwn = isLaid(column) && this.#layout.own.includes(column);
    // In a mirror Weir's own column says when a row was deleted; a row that comes is not.
    if (isLaid(column) && column.target !== this.#layout.mark) {
      return { encoder: columnEncoder(column, slots), part: isOwn ? OWN_PART : BATCH_PART };
    }
    const type = isLaid(column) ? column.type : namedType(column.sql)!;
    const nothing: EncodedColumn = { index: 0, name: isLaid(column) ? column.target : column.name, type, table: '' };
    return { encoder: new NullEncoder(nothing, slots), part: BATCH_PART };
  }
}
