import type { CellRewrite } from '@weir/pgoutput';

const SPACE = 0x20;
const T = 0x54;
const Z = 0x5a;
const MINUS = 0x2d;
const PLUS = 0x2b;
const ZERO = 0x30;
const C = 0x43;

/** `\xdeadbeef` → the bytes, in place. */
export const rewriteBytea: CellRewrite = {
  place: 'slab',
  rewrite(data, start, length) {
    const size = (length - 2) >> 1;
    for (let i = 0; i < size; i++) {
      data[start + i] = (nibble(data[start + 2 + 2 * i]!) << 4) | nibble(data[start + 3 + 2 * i]!);
    }
    return size;
  },
};

function nibble(digit: number): number {
  return digit <= 0x39 ? digit - ZERO : (digit | 0x20) - 0x57;
}

/** `0044-03-15 BC` → `-000043-03-15`; other dates are canonical. */
export const rewriteDate: CellRewrite = {
  place: 'slab',
  rewrite: (data, start, length) => (endsInBc(data, start, length) ? signYear(data, start, length - 3) : length),
};

/** `2024-02-29 12:00:00` → `2024-02-29T12:00:00`. */
export const rewriteTimestamp: CellRewrite = {
  place: 'slab',
  rewrite(data, start, length) {
    const bc = endsInBc(data, start, length);
    const size = bc ? length - 3 : length;
    separate(data, start, size);
    return bc ? signYear(data, start, size) : size;
  },
};

/** `2024-02-29 12:00:00+00` → `2024-02-29T12:00:00Z`; the session's zone is UTC, so the offset is always `+00`. */
export const rewriteTimestamptz: CellRewrite = {
  place: 'slab',
  rewrite(data, start, length) {
    const bc = endsInBc(data, start, length);
    let size = bc ? length - 3 : length;
    if (!separate(data, start, size)) return size;
    size -= 2;
    data[start + size - 1] = Z;
    return bc ? signYear(data, start, size) : size;
  },
};

/** `12:00:00+02` → `12:00:00+02:00`. */
export const rewriteTimetz: CellRewrite = {
  place: 'spill',
  rewrite(data, start, length, spill) {
    spill.bytes(data, start, start + length);
    const sign = data[start + length - 3]!;
    if (sign === PLUS || sign === MINUS) spill.ascii(':00');
  },
};

/** Puts `T` between date and time; false for `infinity` and `-infinity`, which have none. */
function separate(data: Uint8Array, start: number, length: number): boolean {
  for (let at = start + 10; at < start + length; at++) {
    if (data[at] !== SPACE) continue;
    data[at] = T;
    return true;
  }
  return false;
}

function endsInBc(data: Uint8Array, start: number, length: number): boolean {
  return data[start + length - 1] === C && data[start + length - 3] === SPACE;
}

/**
 * The year of a date BC, four digits, becomes an ISO year: 1 BC is 0000, 2 BC is -000001. The three bytes that ` BC` took
 * are room enough, so it is done in place.
 */
function signYear(data: Uint8Array, start: number, length: number): number {
  let year = 0;
  for (let i = 0; i < 4; i++) year = year * 10 + data[start + i]! - ZERO;
  year -= 1;
  if (year === 0) {
    data.fill(ZERO, start, start + 4);
    return length;
  }
  data.copyWithin(start + 7, start + 4, start + length);
  data[start] = MINUS;
  for (let i = 6; i >= 1; i--) {
    data[start + i] = ZERO + (year % 10);
    year = Math.floor(year / 10);
  }
  return length + 3;
}
