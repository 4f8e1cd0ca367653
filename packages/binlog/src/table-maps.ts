import type { BoundTable } from './binding.ts';
import type { EventReader } from './event-reader.ts';

/** What the tables of a log may take, about, in bytes of memory: some 30,000 of ten columns. */
export const TABLE_BYTES: number = 64 << 20;
/** Of a table and of a column with their objects, their bytes in the log apart. */
const TABLE_OVERHEAD = 600;
const COLUMN_OVERHEAD = 200;

interface Entry {
  readonly bound: BoundTable;
  /** The body of the announcement; null: it is not remembered. */
  readonly announced: Uint8Array | null;
  readonly bytes: number;
  /** The statement that announced it last; its rows may name the table, those of others not. */
  statement: number;
}

/**
 * The tables that rows may name. The log announces a table again in front of each statement; one that is announced by the
 * same bytes as before keeps its binding. Bounded: those that have not been announced for longest are forgotten (invariant 8).
 */
export class TableMaps {
  /** By the server's number of the table, the one announced last behind the others. */
  readonly #entries = new Map<number, Entry>();
  readonly #limit: number;
  #bytes = 0;
  #statement = 0;

  constructor(limit: number = TABLE_BYTES) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Announces a table by the body that the reader stands before, if it is known by the same bytes. */
  announceKnown(tableId: number, reader: EventReader): boolean {
    const entry = this.#entries.get(tableId);
    if (entry === undefined || entry.announced === null || !sameBytes(entry.announced, reader)) return false;
    entry.statement = this.#statement;
    return true;
  }

  /** @param announced the body of the announcement; null: the table is to be bound anew when it is announced next */
  announce(bound: BoundTable, announced: Uint8Array | null): void {
    const { tableId } = bound.map;
    const bytes = TABLE_OVERHEAD + (announced?.length ?? 0) * 2 + bound.map.columns.length * COLUMN_OVERHEAD;
    this.#delete(tableId);
    this.#entries.set(tableId, { bound, announced, bytes, statement: this.#statement });
    this.#bytes += bytes;
    if (this.#bytes > this.#limit) this.#forgetOldest(tableId);
  }

  /** The table of this number, if this statement announced it. */
  get(tableId: number): BoundTable | null {
    const entry = this.#entries.get(tableId);
    return entry !== undefined && entry.statement === this.#statement ? entry.bound : null;
  }

  /** The statement has ended: the next one announces its tables. */
  endStatement(): void {
    this.#statement++;
  }

  /** All tables are to be bound anew. */
  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }

  #delete(tableId: number): void {
    this.#bytes -= this.#entries.get(tableId)?.bytes ?? 0;
    this.#entries.delete(tableId);
  }

  /** Half at a time; a table of the statement that is being read stays. */
  #forgetOldest(kept: number): void {
    for (const [tableId, { statement }] of this.#entries) {
      if (this.#bytes * 2 <= this.#limit) return;
      if (tableId !== kept && statement !== this.#statement) this.#delete(tableId);
    }
  }
}

function sameBytes(bytes: Uint8Array, { data, at, end }: EventReader): boolean {
  if (bytes.length !== end - at) return false;
  for (let index = 0; index < bytes.length; index++) if (bytes[index] !== data[at + index]) return false;
  return true;
}
