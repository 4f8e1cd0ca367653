import { NULL_CELL, type Spill } from '@weir/sdk';
import { isCalendarDay, type ZeroDates } from '../calendar.ts';
import { POINT, ZERO } from '../digits.ts';
import { SEPARATOR, zeroDate } from '../moment.ts';
import { writeDuration } from '../time-cell.ts';
import type { TextRewrite } from './text-rewrite.ts';

const DATE_LENGTH = 10;
const SECONDS_LENGTH = 19;
const MINUS = 0x2d;
const COLON = 0x3a;
const Z = 0x5a;

function numberAt(data: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at++) value = value * 10 + data[at]! - ZERO;
  return value;
}

/** Whether the text at `start` begins with a day of the calendar; throws where others are refused. */
function hasDay(column: string, zeroDates: ZeroDates, data: Uint8Array, start: number): boolean {
  const year = numberAt(data, start, start + 4);
  const month = numberAt(data, start + 5, start + 7);
  if (isCalendarDay(year, month, numberAt(data, start + 8, start + DATE_LENGTH))) return true;
  if (zeroDates === 'error') throw zeroDate(column);
  return false;
}

/** The length of a date and time without zeros at the end of its fraction, and without the point if only that is left. */
function trimmedLength(data: Uint8Array, start: number, length: number): number {
  if (length <= SECONDS_LENGTH) return length;
  let end = start + length;
  while (data[end - 1] === ZERO) end--;
  return (data[end - 1] === POINT ? end - 1 : end) - start;
}

/** `2024-02-29` is canonical. Not used where zero dates are kept as text. */
export function dateRewrite(column: string, zeroDates: ZeroDates): TextRewrite {
  return {
    place: 'slab',
    rewrite: (data, start, length) => (hasDay(column, zeroDates, data, start) ? length : NULL_CELL),
  };
}

/** `2024-02-29 12:00:00.500000` → `2024-02-29T12:00:00.5`. */
export function datetimeRewrite(column: string, zeroDates: ZeroDates): TextRewrite {
  return {
    place: 'slab',
    rewrite(data, start, length) {
      if (!hasDay(column, zeroDates, data, start)) return NULL_CELL;
      data[start + DATE_LENGTH] = SEPARATOR;
      return trimmedLength(data, start, length);
    },
  };
}

/** The same of a TIMESTAMP, with `Z`; the session's time zone is `+00:00`. */
export function timestampRewrite(column: string, zeroDates: ZeroDates): TextRewrite {
  return {
    place: 'spill',
    rewrite(data, start, length, spill) {
      if (!hasDay(column, zeroDates, data, start)) return false;
      spill.bytes(data, start, start + DATE_LENGTH);
      spill.byte(SEPARATOR);
      spill.bytes(data, start + DATE_LENGTH + 1, start + trimmedLength(data, start, length));
      spill.byte(Z);
      return true;
    },
  };
}

/** `-838:59:59.500000` → `PT-838H-59M-59.5S`. */
export const timeRewrite: TextRewrite = {
  place: 'spill',
  rewrite(data: Uint8Array, start: number, length: number, spill: Spill): boolean {
    const negative = data[start] === MINUS;
    const first = negative ? start + 1 : start;
    let hours = first;
    while (hours < start + length && data[hours] !== COLON) hours++;
    const seconds = hours + 6;
    const digits = Math.max(0, start + length - seconds - 1);
    const fraction = numberAt(data, seconds + 1, seconds + 1 + digits);
    const minute = numberAt(data, hours + 1, hours + 3);
    const second = numberAt(data, hours + 4, seconds);
    writeDuration(spill, negative, numberAt(data, first, hours), minute, second, fraction, digits);
    return true;
  },
};
