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
import type { Dialect } from './dialect.ts';
import { findNotUtf8 } from './find-not-utf8.ts';
import { columnList, doingTo, type Layout } from './layout.ts';
import type { Field } from './row-loader.ts';
import type { SqlTransaction } from './sql-transaction.ts';
import type { TableWriter } from './table-writer.ts';

const encoder = new TextEncoder();
/** Keeps a byte order mark, and replaces nothing: both are part of the value (invariant 9). */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });

/** How `_weir_op` says it. */
const opNames: Readonly<Record<number, string>> = Object.fromEntries(Object.entries(Op).map(([name, op]) => [op, name]));

/** Writes the history of one table version: each event a row, in order. See `historyColumns`. */
export class HistoryWriter<E> implements TableWriter<E> {
  readonly layout: Layout<E>;
  readonly #dialect: Dialect;
  readonly #transaction: SqlTransaction;
  touched = false;

  constructor(dialect: Dialect, transaction: SqlTransaction, layout: Layout<E>) {
    this.#dialect = dialect;
    this.#transaction = transaction;
    this.layout = layout;
  }

  async write(batch: Batch, { rows }: TableRows): Promise<void> {
    this.touched = true;
    const { layout } = this;
    const own = historyColumns.map(({ name }) => name).join(', ');
    const list = layout.columns.length === 0 ? own : `${own}, ${columnList(layout)}`;
    const imageOf = (row: number): number => (batch.after[row] === NO_IMAGE ? batch.before[row]! : batch.after[row]!);
    const at = { ...doingTo(layout, 'writing'), findNotUtf8: () => findNotUtf8(layout, batch, Array.from(rows, imageOf)) };
    await this.#transaction.load(layout.sql, list, at, async (load) => {
      for (const row of rows) {
        const waiting = load.row(this.#fields(batch, row), batch, imageOf(row), layout.columns, true);
        if (waiting !== null) await waiting;
      }
    });
  }

  /** Writes that the table is empty from here on, since it is copied once more. */
  async startOver(position: Position): Promise<void> {
    const { layout } = this;
    await this.#transaction.run(
      `INSERT INTO ${layout.sql} (_weir_op, _weir_position, _weir_ordinal) VALUES ('truncate', ${this.#dialect.literal(position)}, 0)`,
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
      op === Op.read || time === 0 ? null : this.#dialect.timestampText(time),
      encoder.encode(position),
      batch.ordinal[row]!,
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
      cells.push([column.name, length < 0 ? null : this.#text(column, batch.data.subarray(start, start + length))]);
    });
    return Object.fromEntries(cells);
  }

  #unchanged(batch: Batch, image: number): Field {
    const { columns } = this.layout.table;
    const names = columns.filter((_, index) => batch.length[image + index] === UNCHANGED_CELL).map(({ name }) => name);
    return names.length === 0 ? null : encoder.encode(JSON.stringify(names));
  }

  #text(column: Column, bytes: Uint8Array): string {
    if (column.type.kind === 'bytes') {
      return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`;
    }
    if (isUtf8(bytes)) return decoder.decode(bytes);
    const table = tableName(this.layout.table);
    throw new WeirError(this.#dialect.codes.value, `writing ${table}: ${column.name}: a text is not UTF-8`, { table });
  }
}
