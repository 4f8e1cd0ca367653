import { NO_IMAGE, NULL_CELL, Op, WeirError, tableName, type Batch, type Table } from '@weir/sdk';
import { HASH_WORDS, hashBytes } from './verify-hash.ts';

/** Seeds of the hash, so that NULL, the empty text and a column that is missing differ. */
const VALUE_SEED = 1;
const NULL_SEED = 2;
const ABSENT_SEED = 3;

const NULL_HASH = hashOfNothing(NULL_SEED);
const ABSENT_HASH = hashOfNothing(ABSENT_SEED);
/** In place of the index of a column that a batch lacks. */
const ABSENT = -1;

/** The hashes of one row at a time, in arrays that the next row overwrites. */
export class RowHasher {
  readonly #table: Table;
  /** The hash of each cell, column by column. */
  readonly cells: Uint32Array;
  /** The hash of the cells in the order of the columns. */
  readonly row: Uint32Array = new Uint32Array(HASH_WORDS);
  /** The hash of the key's cells; of the whole row in a table without a key. */
  readonly key: Uint32Array = new Uint32Array(HASH_WORDS);
  readonly #keyCells: Uint32Array;
  readonly #cellBytes: Uint8Array;
  readonly #keyCellBytes: Uint8Array;
  readonly #allColumns: readonly number[];
  #batch: Batch | null = null;
  /** For each table of the batch, the batch's index of each column. */
  #columns: Int32Array[] = [];

  constructor(table: Table) {
    this.#table = table;
    this.cells = new Uint32Array(table.columns.length * HASH_WORDS);
    this.#keyCells = new Uint32Array(table.key.length * HASH_WORDS);
    this.#cellBytes = new Uint8Array(this.cells.buffer);
    this.#keyCellBytes = new Uint8Array(this.#keyCells.buffer);
    this.#allColumns = table.columns.map((_, index) => index);
  }

  /** Sets the batch whose rows follow. */
  use(batch: Batch): void {
    this.#batch = batch;
    this.#columns = batch.tables.map((table) => this.#match(table));
  }

  /** Hashes a row: its cells, the row, the key. */
  hashRow(row: number): void {
    this.#hashCells(row, this.#allColumns);
    hashBytes(this.#cellBytes, 0, this.#cellBytes.length, 0, this.row, 0);
    this.#hashKey();
  }

  /** Hashes only the key of a row. */
  hashRowKey(row: number): void {
    if (this.#table.key.length === 0) {
      this.hashRow(row);
      return;
    }
    this.#hashCells(row, this.#table.key);
    this.#hashKey();
  }

  /** The index in `batch.start` and `batch.length` of a row's cell, or -1 when the batch lacks the column. */
  cellIndex(row: number, column: number): number {
    const batch = this.#batch!;
    const index = this.#columns[batch.table[row]!]?.[column] ?? ABSENT;
    return index === ABSENT ? ABSENT : batch.after[row]! + index;
  }

  #match(table: Table): Int32Array {
    return Int32Array.from(this.#table.columns, ({ name }) => table.columns.findIndex((column) => column.name === name));
  }

  #hashCells(row: number, columns: readonly number[]): void {
    const batch = this.#batch!;
    if (batch.op[row] !== Op.read || batch.after[row] === NO_IMAGE) throw this.#misuse('a row that is not a read row');
    for (let i = 0; i < columns.length; i++) this.#hashCell(batch, this.cellIndex(row, columns[i]!), columns[i]!);
  }

  #hashCell(batch: Batch, cell: number, column: number): void {
    const at = column * HASH_WORDS;
    const length = cell === ABSENT ? NULL_CELL : batch.length[cell]!;
    if (length >= 0) {
      const start = batch.start[cell]!;
      hashBytes(batch.data, start, start + length, VALUE_SEED, this.cells, at);
    } else if (length === NULL_CELL) {
      this.cells.set(cell === ABSENT ? ABSENT_HASH : NULL_HASH, at);
    } else {
      throw this.#misuse('an unchanged cell');
    }
  }

  #hashKey(): void {
    const { key } = this.#table;
    if (key.length === 0) {
      this.key.set(this.row);
      return;
    }
    for (let i = 0; i < key.length; i++) {
      const from = key[i]! * HASH_WORDS;
      for (let word = 0; word < HASH_WORDS; word++) this.#keyCells[i * HASH_WORDS + word] = this.cells[from + word]!;
    }
    hashBytes(this.#keyCellBytes, 0, this.#keyCellBytes.length, 0, this.key, 0);
  }

  #misuse(what: string): WeirError {
    return new WeirError('WEIR_SDK_USE', `a scan of ${tableName(this.#table)} gave ${what}`);
  }
}

function hashOfNothing(seed: number): Uint32Array {
  const hash = new Uint32Array(HASH_WORDS);
  hashBytes(new Uint8Array(0), 0, 0, seed, hash, 0);
  return hash;
}
