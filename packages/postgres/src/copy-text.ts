import type { CellRewrite, TableBinding } from '@weir/pgoutput';
import { WeirError, type BatchWriter } from '@weir/sdk';

const TAB = 0x09;
const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
const N = 0x4e;

/** What stands for `\b`, `\f`, `\n`, `\r`, `\t` and `\v`; every other character after a backslash stands for itself. */
const escapes = new Uint8Array(128);
for (let byte = 0; byte < 128; byte++) escapes[byte] = byte;
for (const [letter, byte] of Object.entries({ b: 8, f: 12, n: 10, r: 13, t: 9, v: 11 }))
  escapes[letter.charCodeAt(0)] = byte;

/**
 * Adds the cells of one row of COPY's text format, lying in `writer.data[start, end)`, to the row that was begun.
 * Text is what the stream sends too, so a value has the same bytes either way (invariant 9).
 * Format: https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS
 */
export function decodeCopyRow(writer: BatchWriter, binding: TableBinding, start: number, end: number): void {
  const { data } = writer;
  const { rewrites } = binding;
  const last = data[end - 1] === NEWLINE ? end - 1 : end;
  let column = 0;
  let at = start;
  while (at <= last && column < rewrites.length) {
    let stop = at;
    let escaped = false;
    while (stop < last) {
      const byte = data[stop]!;
      if (byte === TAB) break;
      if (byte === BACKSLASH) {
        escaped = true;
        stop++;
      }
      stop++;
    }
    if (escaped && stop - at === 2 && data[at + 1] === N) writer.nullCell();
    else textCell(writer, rewrites[column]!, at, escaped ? unescape(data, at, stop) : stop - at);
    at = stop + 1;
    column++;
  }
  if (column === rewrites.length && at === last + 1) return;
  throw new WeirError('WEIR_PGOUTPUT_DAMAGED', `a row of COPY has other than the expected ${rewrites.length} columns`);
}

/** Adds a cell of PostgreSQL's text, lying in `writer.data` from `start` on, in its canonical form. */
export function textCell(writer: BatchWriter, rewrite: CellRewrite | null, start: number, length: number): void {
  if (rewrite === null) writer.cell(start, length);
  else if (rewrite.place === 'slab') writer.cell(start, rewrite.rewrite(writer.data, start, length));
  else {
    const from = writer.spill.length;
    rewrite.rewrite(writer.data, start, length, writer.spill);
    writer.spilledCell(from);
  }
}

/** Removes escapes in place and returns the new length. */
function unescape(data: Uint8Array, start: number, end: number): number {
  let to = start;
  for (let from = start; from < end; from++) {
    let byte = data[from]!;
    if (byte === BACKSLASH && from + 1 < end) {
      byte = data[++from]!;
      if (byte < 128) byte = escapes[byte]!;
    }
    data[to++] = byte;
  }
  return to - start;
}
