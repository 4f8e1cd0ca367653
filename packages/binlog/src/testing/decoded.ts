import { BatchWriter, NO_TABLE, NULL_CELL, Op } from '@weir/sdk';
import { expect } from 'vitest';
import type { BinlogColumn, CellDecoder } from '../cells/cell-decoder.ts';
import { cellDecoder } from '../cells/column-cells.ts';
import type { CellOptions, ColumnCells } from '../cells/described-column.ts';

const GUARD = 9;

/** The cell that a decoder makes of a value, null for NULL. Fails where `pass` ends elsewhere, or bytes around the value matter. */
export function decoded(decoder: CellDecoder, value: Uint8Array): Buffer | null {
  const cells = [0x00, 0xff].map((guard) => {
    const data = new Uint8Array(value.length + 2 * GUARD).fill(guard);
    data.set(value, GUARD);
    return cellOf((into) => {
      const at = into.append(data);
      const end = at + GUARD + value.length;
      expect(decoder.write(into.data, at + GUARD, end, into)).toBe(end);
      expect(decoder.pass(into.data, at + GUARD, end)).toBe(end);
    });
  });
  expect(cells[1]).toEqual(cells[0]);
  return cells[0]!;
}

const writer = new BatchWriter();

/** The one cell that `write` makes in a row. */
export function cellOf(write: (into: BatchWriter) => void): Buffer | null {
  writer.beginRow(Op.insert, NO_TABLE, 0, 1);
  writer.beginAfter();
  try {
    write(writer);
    const cell = writer.cellAt(writer.lastRow.after);
    return cell === NULL_CELL ? null : Buffer.from(cell as Uint8Array);
  } finally {
    writer.dropRow();
    writer.truncate(0);
  }
}

/** A column as an event describes it, with what a test says of it. */
export function column(type: number, meta: number, more: Partial<BinlogColumn> = {}): BinlogColumn {
  return { type, meta, nullable: true, name: 'c', unsigned: false, collation: null, values: null, detail: null, ...more };
}

const nothingKnown: CellOptions = { sourceType: null, characterSet: null, labels: null, zeroDates: 'null' };

/** Type and decoder of a column, as {@link column} takes it. */
export function cellsOf(of: BinlogColumn, as: Partial<CellOptions> = {}): ColumnCells {
  return cellDecoder(of, { ...nothingKnown, ...as });
}

/** The cell of a value as text. */
export function textOf(of: BinlogColumn, value: Uint8Array, as: Partial<CellOptions> = {}): string | null {
  return decoded(cellsOf(of, as).decoder, value)?.toString() ?? null;
}
