import { isUtf8 } from 'node:buffer';
import {
  NO_IMAGE,
  Op,
  UNCHANGED_CELL,
  WeirError,
  historyColumns,
  tableName,
  type Batch,
  type Column,
  type Position,
  type TableRows,
} from '@weir/sdk';
import { timestampText } from './commit-time.ts';
import type { Field } from './insert-rows.ts';
import { doingTo, type Layout } from './layout.ts';
import { identifier, literal } from './sql-text.ts';
import type { TableWriter } from './table-writer.ts';
import type { Transaction } from './transaction.ts';

/** Keeps a byte order mark, and replaces nothing: both are part of the value (invariant 9). */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });

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

  async write(batch: Batch, { rows }: TableRows): Promise<void> {
    this.touched = true;
    const { layout } = this;
    const names = [...historyColumns.map(({ name }) => identifier(name)), ...layout.columns.map(({ quoted }) => quoted)];
    const into = `INSERT INTO ${layout.sql} (${names.join(', ')}) VALUES`;
    const imageOf = (row: number): number => (batch.after[row] === NO_IMAGE ? batch.before[row]! : batch.after[row]!);
    await this.#transaction.insert(into, doingTo(layout, 'writing'), async (inserts) => {
      for (const row of rows) {
        const waiting = inserts.row(this.#fields(batch, row), batch, imageOf(row), layout.columns, true);
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
      position,
      batch.ordinal[row]!,
      before === NO_IMAGE ? null : JSON.stringify(this.#sent(batch, before)),
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
      cells.push([column.name, length < 0 ? null : this.#text(column, batch.data.subarray(start, start + length))]);
    });
    return Object.fromEntries(cells);
  }

  #unchanged(batch: Batch, image: number): Field {
    const { columns } = this.layout.table;
    const names = columns.filter((_, index) => batch.length[image + index] === UNCHANGED_CELL).map(({ name }) => name);
    return names.length === 0 ? null : JSON.stringify(names);
  }

  #text(column: Column, bytes: Uint8Array): string {
    if (column.type.kind === 'bytes') {
      return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`;
    }
    if (isUtf8(bytes)) return decoder.decode(bytes);
    const table = tableName(this.layout.table);
    throw new WeirError('WEIR_MYSQL_VALUE', `writing ${table}: ${column.name}: a text is not UTF-8`, { table });
  }
}
