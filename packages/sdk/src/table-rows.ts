import { forEachTable, type Batch } from './batch.ts';
import { WeirError } from './errors.ts';
import { keyOrder, rangeHolds, type Key, type KeyRange } from './key-range.ts';
import { ImageCursor } from './row-cursor.ts';
import { tableName, type Table } from './table.ts';

/** What a batch has for one table. */
export interface TableRows {
  readonly table: Table;
  /** The rows of the batch that belong to this table, in order. */
  readonly rows: Uint32Array;
  /** The keys of the table that the batch holds whole; null when there are none. With a range there may be no rows. */
  readonly range: KeyRange | null;
}

/**
 * A batch's rows, table by table, with the range of keys that it holds whole. Logical messages are left out.
 * @throws WeirError WEIR_SDK_USE for a range of a table whose keys have no order
 */
export function tableRows(batch: Batch): TableRows[] {
  const { chunk } = batch;
  const copied = chunk?.range == null ? null : batch.tables[chunk.table]!;
  const range = chunk?.range ?? null;
  if (copied !== null && keyOrder(copied) === null) misuse(copied, 'has a range of keys, but its keys have no order');
  const parts: TableRows[] = [];
  forEachTable(batch, (table, rows) => parts.push({ table, rows, range: table === copied ? range : null }));
  if (copied !== null && parts.every(({ table }) => table !== copied)) {
    parts.push({ table: copied, rows: new Uint32Array(0), range });
  }
  return parts;
}

/**
 * Makes sure that rows lie in the range that they came with: what a mirror takes away for a range is only put back there.
 * @throws WeirError WEIR_SDK_USE
 */
export function expectInRange(batch: Batch, { table, rows, range }: TableRows): void {
  const order = keyOrder(table);
  if (range === null || order === null) return;
  const image = new ImageCursor(batch);
  for (const row of rows) {
    image.moveTo(batch.after[row]!);
    const key = keyOfImage(image, table);
    if (key === null || !rangeHolds(range, key, order)) misuse(table, 'brings a row that is not in its range of keys');
  }
}

/**
 * The key in an image; null when a part of it is not there.
 * @param before where cells are that the image leaves unchanged
 */
export function keyOfImage(image: ImageCursor, table: Table, before: ImageCursor | null = null): Key | null {
  const key: string[] = [];
  for (const column of table.key) {
    const from = before !== null && image.isUnchanged(column) ? before : image;
    const cell = from.bytes(column);
    if (cell === null) return null;
    key.push(table.columns[column]!.type.kind === 'bytes' ? hex(cell) : from.text(column)!);
  }
  return key;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

function misuse(table: Table, what: string): never {
  throw new WeirError('WEIR_SDK_USE', `a chunk of ${tableName(table)} ${what}`, { table: tableName(table) });
}
