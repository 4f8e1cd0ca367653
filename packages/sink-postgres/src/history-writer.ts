import {
  NO_IMAGE,
  Op,
  UNCHANGED_CELL,
  historyColumns,
  type Batch,
  type Column,
  type Position,
} from '@weir/sdk';
import { timestampText } from './commit-time.ts';
import type { Field } from './copy-rows.ts';
import { doingTo, type Layout } from './layout.ts';
import { identifier, literal } from './sql-text.ts';
import type { TableWriter } from './table-writer.ts';
import type { Transaction } from './transaction.ts';

const encoder = new TextEncoder();
/** Keeps a byte order mark: it is part of the value (invariant 9). */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** How `_weir_op` says it. */
const opNames: Readonly<Record<number, string>> = Object.fromEntries(Object.entries(Op).map(([name, op]) => [op, name]));

/** Writes the history of one table version: each event a row, in order. See `historyColumns`. */
export class HistoryWriter implements TableWriter {
  readonly layout: Layout;
  readonly #transaction: Transaction;
  touched = false;

  constructor(transaction: Transaction, layout: Layout) {
    this.#transaction = transaction;
    this.layout = layout;
  }

  async write(batch: Batch, rows: Uint32Array): Promise<void> {
    this.touched = true;
    const { layout } = this;
    const names = [...historyColumns, ...layout.columns].map(({ name }) => identifier(name));
    const sql = `COPY ${layout.sql} (${names.join(', ')}) FROM STDIN`;
    await this.#transaction.copy(sql, doingTo(layout, 'writing'), async (copy) => {
      for (const row of rows) {
        const after = batch.after[row]!;
        const image = after === NO_IMAGE ? batch.before[row]! : after;
        const waiting = copy.row(this.#fields(batch, row), batch, image, layout.columns, true);
        if (waiting !== null) await waiting;
      }
    });
  }

  /** Writes that the table is empty from here on, since it is copied once more. */
  async startOver(position: Position): Promise<void> {
    const { layout } = this;
    await this.#transaction.run(
      `INSERT INTO ${layout.sql} (_weir_op, _weir_position, _weir_ordinal) VALUES ('truncate', ${literal(position)}, 0)`,
      doingTo(layout, 'writing'),
    );
  }

  async settle(): Promise<void> {}

  startGroup(): void {
    this.touched = false;
  }

  async close(): Promise<void> {}

  /** In the order of `historyColumns`. */
  #fields(batch: Batch, row: number): Field[] {
    const op = batch.op[row]!;
    const { position, time } = batch.commits[batch.commit[row]!]!;
    const before = batch.before[row]!;
    const after = batch.after[row]!;
    return [
      opNames[op]!,
      op === Op.read || time === 0 ? null : timestampText(time),
      encoder.encode(position),
      String(batch.ordinal[row]!),
      before === NO_IMAGE ? null : encoder.encode(JSON.stringify(this.#sent(batch, before))),
      after === NO_IMAGE ? null : this.#unchanged(batch, after),
    ];
  }

  /** The columns of an image that the source sent, by name. */
  #sent(batch: Batch, image: number): Record<string, string | null> {
    const cells: [string, string | null][] = [];
    this.layout.table.columns.forEach((column, index) => {
      const length = batch.length[image + index]!;
      if (length === UNCHANGED_CELL) return;
      const start = batch.start[image + index]!;
      cells.push([column.name, length < 0 ? null : textOf(column, batch.data.subarray(start, start + length))]);
    });
    return Object.fromEntries(cells);
  }

  #unchanged(batch: Batch, image: number): Field {
    const { columns } = this.layout.table;
    const names = columns.filter((_, index) => batch.length[image + index] === UNCHANGED_CELL).map(({ name }) => name);
    return names.length === 0 ? null : encoder.encode(JSON.stringify(names));
  }
}

function textOf(column: Column, bytes: Uint8Array): string {
  if (column.type.kind !== 'bytes') return decoder.decode(bytes);
  return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`;
}
