import { NO_IMAGE, NULL_CELL, type Batch, type Table, type TableRows } from '@weir/sdk';
import { SlabCopy, type Cells } from './cells.ts';
import { NotFinite } from './encode.ts';
import { HistoryRows, type EventPlace } from './history-rows.ts';
import type { Layout } from './layout.ts';
import type { LoadedRows } from './loader.ts';
import { FLUSH_ROWS, type RowWriter, type WriterHost } from './row-writer.ts';
import { TargetLoader } from './target-loader.ts';
import type { Target } from './target.ts';
import type { Transaction } from './transaction.ts';

/** Rows that are put together at a time. */
const ROWS_AT_ONCE = 8192;

/** Writes the history of one table version: each event is a row, and none is ever changed. */
export class HistoryWriter implements RowWriter {
  readonly table: Table;
  readonly target: Target;
  readonly isSettled = true;
  readonly #transaction: Transaction;
  readonly #host: WriterHost;
  readonly #ownSlab = new SlabCopy();
  #layout: Layout;
  #loader: TargetLoader | null = null;
  touched = false;

  constructor(transaction: Transaction, table: Table, target: Target, layout: Layout, host: WriterHost) {
    this.table = table;
    this.target = target;
    this.#transaction = transaction;
    this.#layout = layout;
    this.#host = host;
  }

  get pendingBytes(): number {
    return this.#loader?.pendingBytes ?? 0;
  }

  async write(batch: Batch, { rows }: TableRows): Promise<void> {
    this.touched = true;
    for (let from = 0; from < rows.length; from += ROWS_AT_ONCE)
      await this.#writeSome(batch, rows.subarray(from, from + ROWS_AT_ONCE));
  }

  /** Writes that the table is empty from here on. */
  async writeTruncate(place: EventPlace): Promise<void> {
    this.touched = true;
    const history = new HistoryRows(this.table);
    history.addTruncate(place);
    const nothing = { data: new Uint8Array(0), start: new Int32Array(0), length: new Int32Array(0) };
    await this.#append(nothing, [NO_IMAGE], history, 0);
  }

  async settle(): Promise<void> {
    await this.#loader?.settle();
  }

  flush(): void {
    this.#loader?.flush();
  }

  async endAppend(): Promise<void> {
    await this.#loader?.settle();
    this.#loader?.close();
    this.#loader = null;
  }

  useLayout(layout: Layout): void {
    this.#layout = layout;
  }

  async mergeWaiting(): Promise<void> {}

  discard(): void {
    this.#loader?.close();
    this.#loader = null;
  }

  async close(): Promise<void> {
    await this.#loader?.discard();
    this.discard();
  }

  async #writeSome(batch: Batch, rows: Uint32Array): Promise<void> {
    const history = new HistoryRows(this.table);
    const images: number[] = [];
    for (const row of rows) images.push(history.add(batch, row));
    await this.#append(batch, images, history, (batch.data.length * rows.length) / batch.rows);
  }

  async #append(
    batch: Pick<Batch, 'data' | 'start' | 'length'>,
    images: number[],
    history: HistoryRows,
    bytes: number,
  ): Promise<void> {
    const own = this.#ownSlab.cells(history.cells, false);
    const shown = withEmptyImage(this.#transaction.slab.cells(batch, true), images, this.table.columns.length);
    const parts = [shown, { cells: own, images: history.images }];
    const rows: LoadedRows = { count: history.count, parts, extra: [] };
    for (let from = 0; from < rows.count;) {
      this.#loader ??= new TargetLoader(this.#transaction, this.target.name, this.#layout);
      try {
        await this.#loader.append(rows, from, bytes + own.data.length);
        from = rows.count;
      } catch (error) {
        if (!(error instanceof NotFinite)) throw error;
        from = error.row;
        await this.endAppend();
        this.#layout = await this.#host.toText(this.target, this.table, error);
      }
    }
    this.#ownSlab.clear();
    if (this.#loader !== null && this.#loader.pendingRows >= FLUSH_ROWS) this.#loader.flush();
  }
}

/** Rows without an image show one in which every cell is NULL. */
function withEmptyImage(cells: Cells, images: readonly number[], columns: number): { cells: Cells; images: Int32Array } {
  if (!images.includes(NO_IMAGE)) return { cells, images: Int32Array.from(images) };
  const empty = cells.length.length;
  const start = new Int32Array(empty + columns);
  const length = new Int32Array(empty + columns).fill(NULL_CELL);
  start.set(cells.start);
  length.set(cells.length);
  return {
    cells: { ...cells, start, length },
    images: Int32Array.from(images, (image) => (image === NO_IMAGE ? empty : image)),
  };
}
