import { BatchWriter, Op, emptyBatch, filterRows, type Batch, type Key, type KeyRange, type Table } from '@weir/sdk';
import { keyAt, keyText } from './row-key.ts';

/** What the stream may say of keys while a chunk is read, in bytes; beyond that the chunk is read again (invariant 8). */
export const WINDOW_BYTES: number = 16 << 20;
/** What an entry takes besides its cells, in bytes. */
const ENTRY_BYTES = 200;

/** The cells of a row; null for NULL. */
export type RowCopy = readonly (Uint8Array | null)[];

/** Rows of a chunk, as one batch is to have them. */
export interface WindowPart {
  /** To be released by whoever sends it on. */
  readonly batch: Batch;
  /** What the batch holds whole; null where only the server orders keys. */
  readonly range: KeyRange | null;
  /** The highest key up to here; null before the first, where the table has no rows. */
  readonly upTo: Key | null;
  /** The table has nothing behind it. */
  readonly isEnd: boolean;
}

/**
 * A chunk that is read beside the stream, and what the stream says meanwhile about its keys: from the boundary on at which it was
 * begun, up to the one at which it is given. The rows are of some moment between the two, so that of keys which changed only the
 * stream knows what they are in the end.
 *
 * - Where keys are ordered as the server does it, the stream leaves out what is behind the last chunk (`takes`). Its rows are kept
 *   here, and the chunk is given with them: it has its range of keys whole, as they are where the stream stands.
 * - Otherwise the stream delivers all, and the chunk is given without keys that it mentioned (`drops`). Two texts that are equal under
 *   a collation are two keys here: an update of one to the other mentions both.
 */
export class ChunkWindow {
  readonly #table: Table;
  readonly #after: Key | null;
  readonly #order: ((a: Key, b: Key) => number) | null;
  readonly #limit: number;
  /** What became of keys: the row, or null where it is gone or the stream brings it. */
  readonly #changed = new Map<string, { readonly key: Key; readonly row: RowCopy | null }>();
  #changedBytes = 0;
  #batches: readonly Batch[] = [];
  #isRest = false;
  #isSpoiled = false;

  /**
   * @param after the key behind which the chunk begins; null for the first
   * @param order of {@link keySql}
   * @param limit for tests: see {@link WINDOW_BYTES}
   */
  constructor(table: Table, after: Key | null, order: ((a: Key, b: Key) => number) | null, limit: number = WINDOW_BYTES) {
    this.#table = table;
    this.#after = after;
    this.#order = order;
    this.#limit = limit;
  }

  /** It has to be read again. */
  get isSpoiled(): boolean {
    return this.#isSpoiled;
  }

  get bytes(): number {
    return this.#batches.reduce((sum, batch) => sum + batch.bytes, this.#changedBytes);
  }

  /** The stream says what a row is now; it leaves it out. @param row null when it is gone */
  takes(key: Key, row: RowCopy | null): void {
    if (this.#isSpoiled || this.#isBehindChunk(key)) return;
    this.#change(key, row);
  }

  /** The stream delivers something of a key. */
  drops(key: Key): void {
    if (!this.#isSpoiled) this.#change(key, null);
  }

  /** What is read does not count. */
  spoil(): void {
    this.#isSpoiled = true;
    this.#changed.clear();
    this.#changedBytes = 0;
    this.release();
  }

  /**
   * The chunk is read.
   * @param batches rows in the order of the key
   * @param isRest the table has nothing behind them
   */
  read(batches: readonly Batch[], isRest: boolean): void {
    this.#batches = batches;
    this.#isRest = isRest;
    if (this.#isSpoiled) return this.release();
    for (const [text, { key, row }] of this.#changed) {
      if (!this.#isBehindChunk(key)) continue;
      this.#changed.delete(text);
      this.#changedBytes -= bytesOf(key, row);
    }
  }

  /** The chunk as it is where the stream stands: a part for each batch, one at least. The window is of no more use then. */
  parts(): WindowPart[] {
    const batches = this.#batches.length === 0 ? [emptyBatch(null)] : this.#batches;
    this.#batches = [];
    let after = this.#after;
    return batches.map((batch, index) => {
      const isEnd = this.#isRest && index === batches.length - 1;
      const last = batch.rows === 0 ? after : keyAt(batch, this.#table, batch.rows - 1)!;
      const range = this.#order === null ? null : { after, upTo: isEnd ? null : last };
      const whole = this.#order === null ? this.#withoutChanged(batch) : this.#withChanged(batch, after, isEnd ? null : last);
      after = last;
      return { batch: whole, range, upTo: last, isEnd };
    });
  }

  /** Gives the rows' memory back. */
  release(): void {
    for (const batch of this.#batches) batch.release();
    this.#batches = [];
  }

  #isBehindChunk(key: Key): boolean {
    const last = this.#batches.at(-1);
    if (this.#order === null || this.#isRest || last === undefined) return false;
    return this.#order(key, keyAt(last, this.#table, last.rows - 1)!) > 0;
  }

  #change(key: Key, row: RowCopy | null): void {
    const text = keyText(key);
    const known = this.#changed.get(text);
    this.#changedBytes += bytesOf(key, row) - (known === undefined ? 0 : bytesOf(key, known.row));
    this.#changed.set(text, { key, row });
    if (this.#changedBytes > this.#limit) this.spoil();
  }

  #withoutChanged(batch: Batch): Batch {
    if (this.#changed.size === 0) return batch;
    return filterRows(batch, (row) => !this.#changed.has(keyText(keyAt(batch, this.#table, row)!)));
  }

  #withChanged(batch: Batch, after: Key | null, upTo: Key | null): Batch {
    const order = this.#order!;
    const changed = [...this.#changed.values()].filter(
      ({ key }) => (after === null || order(key, after) > 0) && (upTo === null || order(key, upTo) <= 0),
    );
    if (changed.length === 0) return batch;
    const rows = new RowCopies(this.#table);
    for (let row = 0; row < batch.rows; row++) {
      if (!this.#changed.has(keyText(keyAt(batch, this.#table, row)!))) rows.add(imageOf(batch, this.#table, row));
    }
    batch.release();
    for (const { row } of changed) if (row !== null) rows.add(row);
    return rows.close();
  }
}

function bytesOf(key: Key, row: RowCopy | null): number {
  const cells = row ?? [];
  return cells.reduce((sum, cell) => sum + (cell?.length ?? 0), ENTRY_BYTES) + key.reduce((sum, cell) => sum + 2 * cell.length, 0);
}

function imageOf({ data, after, start, length }: Batch, { columns }: Table, row: number): RowCopy {
  const first = after[row]!;
  return columns.map((_column, column) => {
    const bytes = length[first + column]!;
    const from = start[first + column]!;
    return bytes < 0 ? null : data.subarray(from, from + bytes);
  });
}

/** A batch of rows that were copied. */
class RowCopies {
  readonly #table: Table;
  readonly #writer = new BatchWriter();

  constructor(table: Table) {
    this.#table = table;
  }

  add(row: RowCopy): void {
    const writer = this.#writer;
    if (writer.rows === 0) writer.addCommit({ position: '', version: 0n, time: 0, transactionId: '' });
    writer.beginRow(Op.read, writer.tableIndex(this.#table), 0, writer.rows + 1);
    writer.beginAfter();
    for (const cell of row) {
      if (cell === null) writer.nullCell();
      else writer.cell(writer.append(cell), cell.length);
    }
  }

  close(): Batch {
    return this.#writer.close(null);
  }
}
