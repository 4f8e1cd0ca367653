import { BatchWriter, NO_IMAGE, type Batch, type Op } from '@weir/sdk';

/** So many bytes of rows gather at most. */
const GATHERED_BYTES = 32 << 20;

/**
 * Rows of batches with many tables each, a few rows of every one. A table costs DuckDB about a millisecond however few its rows
 * are, so they gather until there are more, and are written as one batch, table by table.
 */
export class GatheredRows {
  #writer = new BatchWriter();

  /** @param mostTables a batch with more is one of many tables */
  static takes({ tables, chunk, schemaChanges }: Batch, mostTables: number): boolean {
    return tables.length > mostTables && chunk === null && schemaChanges.length === 0;
  }

  get isFull(): boolean {
    return this.#writer.used >= GATHERED_BYTES;
  }

  /** Copies a batch's rows, but for logical messages, which have no table. */
  add(batch: Batch): void {
    const writer = this.#writer;
    const base = writer.append(batch.data);
    const commits = batch.commits.map((commit) => writer.addCommit(commit));
    for (let row = 0; row < batch.rows; row++) {
      const table = batch.tables[batch.table[row]!];
      if (table === undefined) continue;
      const index = writer.tableIndex(table);
      writer.beginRow(batch.op[row] as Op, index, commits[batch.commit[row]!]!, batch.ordinal[row]!);
      if (batch.before[row] !== NO_IMAGE) writer.beginBefore();
      this.#cells(batch, batch.before[row]!, table.columns.length, base);
      if (batch.after[row] !== NO_IMAGE) writer.beginAfter();
      this.#cells(batch, batch.after[row]!, table.columns.length, base);
    }
  }

  #cells({ start, length }: Batch, image: number, columns: number, base: number): void {
    if (image === NO_IMAGE) return;
    for (let cell = image; cell < image + columns; cell++) this.#writer.cell(base + start[cell]!, length[cell]!);
  }

  /** What has gathered, as one batch; null when nothing has. */
  take(): Batch | null {
    if (this.#writer.rows === 0) return null;
    const batch = this.#writer.close(null);
    // Its arrays have grown; they are collected with the batch.
    this.#writer = new BatchWriter();
    return batch;
  }
}
