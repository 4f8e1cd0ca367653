import { Op, unchanged } from '@weir/sdk';
import type { SeenRow } from './seen-batch.ts';

/** Indexes of the columns of `items`. */
const ID = 0;
const LABEL = 1;
const LARGE = 2;

export interface Item {
  readonly label: string | null;
  readonly large: string | null;
}

/**
 * The table `items` as a sink would have it after these rows. Strict where a sink forgives: a key that is inserted twice or
 * changed while it is missing is an error, since the stream then gave something twice, out of order, or not at all.
 */
export function foldItems(rows: readonly SeenRow[], items: Map<number, Item> = new Map()): Map<number, Item> {
  for (const row of rows) if (isItems(row)) foldItem(row, items);
  return items;
}

function isItems(row: SeenRow): boolean {
  return row.table.endsWith('.items');
}

function foldItem(row: SeenRow, items: Map<number, Item>): void {
  if (row.op === Op.truncate) {
    items.clear();
    return;
  }
  const id = itemId(row);
  const old = oldItemId(row) ?? id;
  const known = items.get(old);
  const isNew = row.op === Op.read || row.op === Op.insert;
  if (isNew && known !== undefined) throw new Error(`item ${id} is inserted, but it is there already`);
  if (!isNew && known === undefined) throw new Error(`item ${old} is changed by op ${row.op}, but it is not there`);
  if (old !== id && items.has(id)) throw new Error(`item ${old} becomes ${id}, which is there already`);
  items.delete(old);
  if (row.op === Op.delete) return;
  items.set(id, { label: column(row, LABEL, known?.label), large: column(row, LARGE, known?.large) });
}

function column(row: SeenRow, index: number, before: string | null | undefined): string | null {
  const cell = row.after![index]!;
  if (cell !== unchanged) return cell;
  if (before === undefined) throw new Error('a cell of a new row is unchanged');
  return before;
}

/** The key of the row's item: the new one, for a changed key. */
export function itemId(row: SeenRow): number {
  return Number((row.after ?? row.before)![ID]);
}

/** The key before the change; null when the row has no image of it. */
export function oldItemId(row: SeenRow): number | null {
  return row.before === null ? null : Number(row.before[ID]);
}

/** What happened to `items`, as short text: `insert 7 a`, `update 7 b`, `change 7 to 8 b`, `delete 8`, `truncate`. */
export function itemEvents(rows: readonly SeenRow[]): string[] {
  return rows.filter(isItems).map((row) => {
    if (row.op === Op.truncate) return 'truncate';
    if (row.op === Op.delete) return `delete ${itemId(row)}`;
    const label = String(row.after![LABEL]);
    if (row.op === Op.insert || row.op === Op.read) return `insert ${itemId(row)} ${label}`;
    const old = oldItemId(row) ?? itemId(row);
    return old === itemId(row) ? `update ${old} ${label}` : `change ${old} to ${itemId(row)} ${label}`;
  });
}
