import { parseSourceType, type SourceType } from '@weir/binlog';
import type { ColumnState } from '../checkpoint-state.ts';

const INTEGERS = ['tinyint', 'smallint', 'mediumint', 'int', 'bigint'];
const TEXTS = ['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext'];
const BYTES = ['varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob'];
const MOMENTS = ['datetime', 'timestamp', 'time'];
const UNICODE = new Set(['utf8mb4', 'utf8mb3', 'utf8', 'utf16', 'utf16le', 'utf32', 'gb18030']);
/** Bytes of the types of text and bytes that say no length. */
const CAPACITY: Readonly<Record<string, number>> = { tiny: 0xff, '': 0xffff, medium: 0xff_ffff, long: 0xffff_ffff };

/**
 * Whether every value that a column may have had is the same canonical cell in the column that it has become. An ALTER changes
 * rows without an event, so where this is not sure, they are to be read again.
 */
export function keepsCells(before: ColumnState, after: ColumnState): boolean {
  if (before.nullable && !after.nullable) return false;
  if (before.leftOut !== after.leftOut) return false;
  const [from, to] = [parseSourceType(before.type), parseSourceType(after.type)];
  if (before.type === after.type) return keepsCharacters(before, after);
  if (INTEGERS.includes(from.name) && INTEGERS.includes(to.name)) return keepsIntegers(from, to);
  if (from.name === 'decimal' && to.name === 'decimal') return keepsDecimals(from, to);
  if (TEXTS.includes(from.name) && TEXTS.includes(to.name)) return from.name !== 'char' || to.name === 'char' ? keepsText(from, to, before, after) : false;
  if (BYTES.includes(from.name) && BYTES.includes(to.name)) return capacity(from) <= capacity(to);
  if (from.name === to.name && (from.name === 'enum' || from.name === 'set')) {
    return from.labels.every((label, index) => to.labels[index] === label) && keepsCharacters(before, after);
  }
  if (from.name === to.name && MOMENTS.includes(from.name)) return (from.numbers[0] ?? 0) <= (to.numbers[0] ?? 0);
  return false;
}

function keepsIntegers(from: SourceType, to: SourceType): boolean {
  const [small, large] = [INTEGERS.indexOf(from.name), INTEGERS.indexOf(to.name)];
  if (from.unsigned === to.unsigned) return small <= large;
  return from.unsigned && small < large;
}

function keepsDecimals(from: SourceType, to: SourceType): boolean {
  const [precision = 10, scale = 0] = from.numbers;
  const [newPrecision = 10, newScale = 0] = to.numbers;
  // With other digits behind the point every cell is another text.
  return scale === newScale && precision <= newPrecision && (!to.unsigned || from.unsigned);
}

function keepsText(from: SourceType, to: SourceType, before: ColumnState, after: ColumnState): boolean {
  // A CHAR loses the spaces at the end of what a VARCHAR had.
  if (to.name === 'char' && from.name !== 'char') return false;
  return capacity(from) <= capacity(to) && keepsCharacters(before, after);
}

function keepsCharacters(before: ColumnState, after: ColumnState): boolean {
  if (before.charset === after.charset) return true;
  // utf8mb3 is within utf8mb4, and all of Unicode in each other; nothing else is sure to hold what another holds.
  const to = after.charset ?? '';
  return UNICODE.has(to) && (to !== 'utf8mb3' && to !== 'utf8');
}

/** How much a text or a string of bytes can be: characters or bytes, which of one type are told apart by nothing else. */
function capacity({ name, numbers }: SourceType): number {
  const [, size] = /^(tiny|medium|long|)(?:text|blob)$/u.exec(name) ?? [];
  if (size !== undefined) return CAPACITY[size]!;
  return numbers[0] ?? 1;
}
