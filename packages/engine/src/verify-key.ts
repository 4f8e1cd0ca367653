import { NULL_CELL, type Batch, type Table } from '@weir/sdk';
import type { RowHasher } from './verify-row.ts';

/** A longer value of a key, and a longer list of them, is cut here, in characters. */
const VALUE_CHARACTERS = 60;
const KEY_CHARACTERS = 240;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The key of a row for a person: `(id=17)`; the whole row in a table without a key. `hasher` stands on the batch. */
export function keyText(table: Table, batch: Batch, hasher: RowHasher, row: number): string {
  const columns = table.key.length > 0 ? table.key : table.columns.map((_, index) => index);
  const parts = columns.map((index) => {
    const column = table.columns[index]!;
    return `${column.name}=${cellText(batch, hasher.cellIndex(row, index), column.type.kind === 'bytes')}`;
  });
  return `(${cut(parts.join(', '), KEY_CHARACTERS)})`;
}

function cellText(batch: Batch, cell: number, isBytes: boolean): string {
  const length = cell < 0 ? NULL_CELL : batch.length[cell]!;
  if (length < 0) return 'NULL';
  const start = batch.start[cell]!;
  // Bytes enough for the characters that are shown; a character has 4 at most.
  const bytes = batch.data.subarray(start, start + Math.min(length, (VALUE_CHARACTERS + 1) * 4));
  const text = isBytes ? `\\x${Buffer.from(bytes).toString('hex')}` : printable(decoder.decode(bytes));
  return cut(text, VALUE_CHARACTERS);
}

/** A terminal must not obey what stands in a table. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}

function cut(text: string, characters: number): string {
  const all = Array.from(text);
  return all.length <= characters ? text : `${all.slice(0, characters).join('')}…`;
}
