import { Op, type Batch } from './batch.ts';
import { keyOrder, onlyKey, type Key, type KeyRange } from './key-range.ts';
import { RowCursor } from './row-cursor.ts';
import { keyOfImage, type TableRows } from './table-rows.ts';
import type { Table } from './table.ts';

/**
 * What a session knows of the keys of one mirror, so that a first copy need not look for what it may have to delete.
 *
 * Of a table that the session itself made empty, and to which only ranges came that followed each other, every key lies in
 * one of them: streamed rows of keys that were not copied yet are no business of the sink. Whatever else happens, nothing is
 * known any more.
 */
export class CopiedRanges {
  /** All keys are at or before this one; `none`: the table is empty; `unknown`: there may be any. */
  #upTo: Key | 'none' | 'unknown';
  /** Names of the key's columns, of which `#upTo` has the cells. */
  #key = '';

  /** @param isEmpty whether the session has just made the table */
  constructor(isEmpty: boolean) {
    this.#upTo = isEmpty ? 'none' : 'unknown';
  }

  /** Takes the next range in. @returns whether keys of it may be in the table already */
  begin(table: Table, range: KeyRange): boolean {
    const isBehind = this.#upTo === 'none' ? range.after === null : this.#isAt(table, range.after);
    const follows = isBehind && onlyKey(range) === null;
    this.#key = keyNames(table);
    this.#upTo = follows && range.upTo !== null ? range.upTo : 'unknown';
    return !follows;
  }

  /** Takes rows in that came without a range. */
  add(batch: Batch, { table, rows }: TableRows): void {
    if (this.#upTo === 'unknown') return;
    if (this.#upTo === 'none' || keyNames(table) !== this.#key || !isUpTo(batch, { table, rows }, this.#upTo)) {
      this.#upTo = 'unknown';
    }
  }

  #isAt(table: Table, after: Key | null): boolean {
    if (typeof this.#upTo === 'string' || after === null || keyNames(table) !== this.#key) return false;
    return keyOrder(table)?.(this.#upTo, after) === 0;
  }
}

/** Whether no row has a key behind `end`. */
function isUpTo(batch: Batch, { table, rows }: Pick<TableRows, 'table' | 'rows'>, end: Key): boolean {
  const order = keyOrder(table);
  if (order === null) return false;
  const cursor = new RowCursor(batch);
  for (const row of rows) {
    const { op, after, before } = cursor.at(row);
    if (op === Op.delete || op === Op.truncate) continue;
    const key = keyOfImage(after, table, before);
    if (key === null || order(key, end) > 0) return false;
  }
  return true;
}

function keyNames(table: Table): string {
  return JSON.stringify(table.key.map((column) => table.columns[column]!.name));
}
