import { tableName, type Batch, type SinkSession, type Table } from '@weir/sdk';
import { RowHasher } from './verify-row.ts';

/** The range of keys that a sink is to compare before it writes. */
export interface ComparedRange {
  /** `namespace.name` */
  readonly table: string;
  readonly isSame: boolean;
}

/**
 * Compares the range of keys that a batch holds whole with what a sink has there. By hashes, as `verifyTable` does: a
 * difference goes unseen with a chance of 2^-64.
 * @returns null where there is nothing to compare
 */
export async function compareRange(session: SinkSession, batch: Batch): Promise<ComparedRange | null> {
  const { chunk } = batch;
  if (chunk?.compare !== true || chunk.range === null || session.readRange === undefined) return null;
  const table = batch.tables[chunk.table]!;
  // A change of the table is news, whatever rows it has.
  if (batch.schemaChanges.length > 0) return null;
  return { table: tableName(table), isSame: await isSame(session.readRange(table, chunk.range), batch, table) };
}

async function isSame(there: AsyncIterable<Batch>, batch: Batch, table: Table): Promise<boolean> {
  let seen: RowSum | null = null;
  for await (const found of there) {
    try {
      // The sink may lack columns, by its policies: they are not compared.
      seen ??= new RowSum(found.tables[0] ?? table);
      seen.add(found, 1);
      if (seen.added > batch.rows) return false;
    } finally {
      found.release();
    }
  }
  if (seen === null) return batch.rows === 0;
  seen.add(batch, -1);
  return seen.isNothing;
}

/** The sum of the hashes of rows, which does not depend on their order, modulo 2^32 for each of its words. */
class RowSum {
  readonly #hasher: RowHasher;
  readonly #words = new Int32Array(2);
  added = 0;

  constructor(table: Table) {
    this.#hasher = new RowHasher(table);
  }

  add(batch: Batch, sign: 1 | -1): void {
    this.#hasher.use(batch);
    for (let row = 0; row < batch.rows; row++) {
      this.#hasher.hashRow(row);
      for (let word = 0; word < this.#words.length; word++) this.#words[word]! += sign * this.#hasher.row[word]!;
    }
    this.added += sign * batch.rows;
  }

  get isNothing(): boolean {
    return this.added === 0 && this.#words.every((word) => word === 0);
  }
}

/** The batch without its rows and its range, for a sink that has them. */
export function withoutRange(batch: Batch): Batch {
  return { ...batch, rows: 0, chunk: { ...batch.chunk!, range: null } };
}
