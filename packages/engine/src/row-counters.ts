import { Op, tableName, type Batch } from '@weir/sdk';
import type { RowCounters } from './status.ts';

export function zeroCounters(): RowCounters {
  return { in: 0, made: 0, delivered: 0, filtered: 0, skipped: 0, replayed: 0, deadLetters: 0, abandoned: 0, inFlight: 0 };
}

/** Rows in and made, less every place where a row can be; 0 when every row is accounted for (invariant 7). */
export function imbalance(rows: RowCounters): number {
  const accounted =
    rows.delivered + rows.filtered + rows.skipped + rows.replayed + rows.deadLetters + rows.abandoned + rows.inFlight;
  return rows.in + rows.made - accounted;
}

const opNames: Record<number, string> = Object.fromEntries(Object.entries(Op).map(([name, op]) => [op, name]));

/** Counts of rows by table and by operation, added up over batches. */
export class RowTally {
  readonly byTable: Record<string, number> = {};
  readonly byOp: Record<string, number> = {};
  rows = 0;

  /** Adds a batch's rows: one pass over two arrays. */
  count(batch: Batch): void {
    const tables = new Uint32Array(batch.tables.length);
    const ops = new Uint32Array(Op.message + 1);
    for (let row = 0; row < batch.rows; row++) {
      const table = batch.table[row]!;
      if (table < tables.length) tables[table]!++;
      ops[batch.op[row]!]!++;
    }
    this.rows += batch.rows;
    for (let index = 0; index < tables.length; index++) add(this.byTable, tableName(batch.tables[index]!), tables[index]!);
    for (let op = 1; op < ops.length; op++) add(this.byOp, opNames[op]!, ops[op]!);
  }

  /** Moves everything counted here into `total`. */
  moveInto(total: RowTally): void {
    for (const [name, rows] of Object.entries(this.byTable)) add(total.byTable, name, rows);
    for (const [name, rows] of Object.entries(this.byOp)) add(total.byOp, name, rows);
    total.rows += this.rows;
    this.clear();
  }

  clear(): void {
    for (const name of Object.keys(this.byTable)) delete this.byTable[name];
    for (const name of Object.keys(this.byOp)) delete this.byOp[name];
    this.rows = 0;
  }
}

function add(counts: Record<string, number>, name: string, rows: number): void {
  if (rows > 0) counts[name] = (counts[name] ?? 0) + rows;
}
