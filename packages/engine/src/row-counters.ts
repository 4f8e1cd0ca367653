import { Op, tableName, type Batch } from '@weir/sdk';
import type { RowCounters } from './status.ts';

export function zeroCounters(): RowCounters {
  return { in: 0, made: 0, delivered: 0, filtered: 0, skipped: 0, replayed: 0, same: 0, deadLetters: 0, abandoned: 0, inFlight: 0 };
}

/** Rows in and made, less every place where a row can be; 0 when every row is accounted for (invariant 7). */
export function imbalance(rows: RowCounters): number {
  const { delivered, filtered, skipped, replayed, same, deadLetters, abandoned, inFlight } = rows;
  const accounted = delivered + filtered + skipped + replayed + same + deadLetters + abandoned + inFlight;
  return rows.in + rows.made - accounted;
}

/** Operations are 1 to 6. */
const OPS = 7;

const opNames: Record<number, string> = Object.fromEntries(Object.entries(Op).map(([name, op]) => [op, name]));

/** Rows by `namespace.name` and operation; logical messages are under the empty name. */
export type RowEvents = Record<string, Record<string, number>>;

/** Counts of rows by table and operation, added up over batches. */
export class RowTally {
  #events: RowEvents = {};
  rows = 0;

  get events(): Readonly<RowEvents> {
    return this.#events;
  }

  get byTable(): Record<string, number> {
    const sums = Object.entries(this.#events).map(([table, ops]) => [table, Object.values(ops).reduce((a, b) => a + b, 0)]);
    return Object.fromEntries(sums.filter(([table]) => table !== '')) as Record<string, number>;
  }

  /** Adds a batch's rows: one pass over two arrays. */
  count(batch: Batch): void {
    // The place behind the tables is for rows without one.
    const counts = new Uint32Array((batch.tables.length + 1) * OPS);
    for (let row = 0; row < batch.rows; row++) {
      const table = Math.min(batch.table[row]!, batch.tables.length);
      counts[table * OPS + batch.op[row]!]!++;
    }
    this.rows += batch.rows;
    for (let at = 0; at < counts.length; at++) {
      const rows = counts[at]!;
      if (rows === 0) continue;
      const table = batch.tables[Math.floor(at / OPS)];
      this.#add(table === undefined ? '' : tableName(table), opNames[at % OPS]!, rows);
    }
  }

  /** Moves everything counted here into `total`. */
  moveInto(total: RowTally): void {
    for (const [table, ops] of Object.entries(this.#events)) {
      for (const [op, rows] of Object.entries(ops)) total.#add(table, op, rows);
    }
    total.rows += this.rows;
    this.clear();
  }

  clear(): void {
    this.#events = {};
    this.rows = 0;
  }

  #add(table: string, op: string, rows: number): void {
    const ops = (this.#events[table] ??= {});
    ops[op] = (ops[op] ?? 0) + rows;
  }
}
