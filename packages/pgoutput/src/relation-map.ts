import type { BoundRelation } from './binding.ts';
import type { Relation } from './relation.ts';

/**
 * What the relations of a stream may take, about, in bytes of memory: some 50,000 tables of ten columns. The server announces
 * a table once; one that was forgotten and comes up again is an error, and the stream is opened anew.
 */
export const RELATION_BYTES: number = 64 << 20;
/** Of a relation and of a column with their objects, their names apart. */
const RELATION_OVERHEAD = 300;
const COLUMN_OVERHEAD = 80;

interface Entry {
  readonly bound: BoundRelation;
  readonly bytes: number;
  /** Numbers the announcements in the order in which they were received. */
  readonly receipt: number;
  /** Numbers the looks at the map, so that the entry is known that has not been needed longest. */
  usedAt: number;
}

/** The relations that rows may name, by oid; bounded: those that have not been needed longest are forgotten (invariant 8). */
export class RelationMap {
  readonly #entries = new Map<number, Entry>();
  readonly #limit: number;
  #bytes = 0;
  #looks = 0;

  constructor(limit: number = RELATION_BYTES) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(oid: number): BoundRelation | null {
    const entry = this.#entries.get(oid);
    if (entry === undefined) return null;
    entry.usedAt = ++this.#looks;
    return entry.bound;
  }

  set(bound: BoundRelation, receipt: number): void {
    this.#put({ bound, bytes: bytesOf(bound.relation), receipt, usedAt: ++this.#looks });
  }

  /**
   * Takes over what another transaction announced, where nothing was announced later; empties `others`.
   * @returns the relations of this map for which `others` had an older announcement
   */
  merge(others: RelationMap): Relation[] {
    const newer: Relation[] = [];
    for (const [oid, entry] of others.#entries) {
      const own = this.#entries.get(oid);
      if (own !== undefined && own.receipt > entry.receipt) newer.push(own.bound.relation);
      else this.#put({ ...entry, usedAt: ++this.#looks });
    }
    others.#entries.clear();
    others.#bytes = 0;
    return newer;
  }

  #put(entry: Entry): void {
    const { oid } = entry.bound;
    this.#delete(oid);
    this.#entries.set(oid, entry);
    this.#bytes += entry.bytes;
    if (this.#bytes > this.#limit) this.#forgetHalf(oid);
  }

  #delete(oid: number): void {
    this.#bytes -= this.#entries.get(oid)?.bytes ?? 0;
    this.#entries.delete(oid);
  }

  /** Half at a time, so that the sorting does not count. */
  #forgetHalf(kept: number): void {
    for (const [oid] of [...this.#entries].sort(([, a], [, b]) => a.usedAt - b.usedAt)) {
      if (this.#bytes * 2 <= this.#limit) return;
      if (oid !== kept) this.#delete(oid);
    }
  }
}

function bytesOf({ namespace, name, columns }: Relation): number {
  const own = RELATION_OVERHEAD + namespace.length + name.length;
  return columns.reduce((sum, column) => sum + COLUMN_OVERHEAD + column.name.length, own);
}
