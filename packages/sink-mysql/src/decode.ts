import { float32Text, float64Text, type BatchWriter } from '@weir/sdk';
import type { Encoding } from './column-type.ts';
import { identifier } from './sql-text.ts';

/** Adds a cell of the server's text to the row that was begun, in its canonical form (invariant 9). */
export type Decode = (writer: BatchWriter, cell: Buffer) => void;

/** How a column is read: what is selected, and how its text becomes a cell. */
export interface ReadColumn {
  readonly select: string;
  readonly decode: Decode;
}

/** @param name of the column at the sink */
export function readColumn({ kind }: Encoding, name: string): ReadColumn {
  const select = identifier(name);
  switch (kind) {
    case 'bool':
      return { select, decode: (writer, cell) => put(writer, cell[0] === 0x30 ? FALSE : TRUE) };
    case 'timestamp':
    case 'timestamptz':
      return { select, decode: (writer, cell) => put(writer, timestampCell(cell, kind === 'timestamptz')) };
    case 'time':
      return { select, decode: (writer, cell) => put(writer, cell.subarray(0, endOfTime(cell))) };
    case 'clock':
      return { select, decode: (writer, cell) => put(writer, Buffer.from(durationText(cell.toString('latin1')))) };
    case 'float32':
      // Printed as a FLOAT it would have six digits.
      return { select: `CAST(${select} AS DOUBLE)`, decode: (writer, cell) => put(writer, Buffer.from(float32Text(numberOf(cell)))) };
    case 'float64':
      return { select, decode: (writer, cell) => put(writer, Buffer.from(float64Text(numberOf(cell)))) };
    case 'text':
    case 'bytes':
    case 'date':
    case 'decimal':
      return { select, decode: put };
  }
}

const TRUE = Buffer.from('t');
const FALSE = Buffer.from('f');
const SPACE = 0x20;
const POINT = 0x2e;
const ZERO = 0x30;
const T = 0x54;
const Z = 0x5a;

function put(writer: BatchWriter, cell: Uint8Array): void {
  writer.cell(writer.append(cell), cell.length);
}

function numberOf(cell: Buffer): number {
  return Number(cell.toString('latin1'));
}

/** The server prints all six digits of a fraction; a cell has no zeros at its end. */
function endOfTime(cell: Uint8Array): number {
  if (!cell.includes(POINT)) return cell.length;
  let end = cell.length;
  while (cell[end - 1] === ZERO) end--;
  return cell[end - 1] === POINT ? end - 1 : end;
}

/** `2024-07-01 00:00:00.500000` → `2024-07-01T00:00:00.5`, with `Z` where it is a moment. */
function timestampCell(cell: Uint8Array, isMoment: boolean): Uint8Array {
  const end = endOfTime(cell);
  const out = Buffer.allocUnsafe(end + (isMoment ? 1 : 0));
  for (let i = 0; i < end; i++) out[i] = cell[i] === SPACE ? T : cell[i]!;
  if (isMoment) out[end] = Z;
  return out;
}

/** `-838:59:59.500000` → `PT-838H-59M-59.5S`: each part has the sign, and none is said that is 0. */
function durationText(clock: string): string {
  const [, minus = '', hours = '', minutes = '', seconds = ''] = /^(-?)(\d+):(\d+):([\d.]+)$/.exec(clock) ?? [];
  const fraction = seconds.includes('.') ? seconds.replace(/\.?0+$/, '') : seconds;
  const parts = [
    [hours, 'H'],
    [minutes, 'M'],
    [fraction, 'S'],
  ] as const;
  const said = parts.map(([text, unit]) => [text.replace(/^0+(?=\d)/, ''), unit] as const).filter(([text]) => Number(text) !== 0);
  return `PT${said.length === 0 ? '0S' : said.map(([text, unit]) => `${minus}${text}${unit}`).join('')}`;
}
