import { nearestFloat32 } from '@weir/sdk';
import { ColumnEncoder } from './encode.ts';
import { asciiInto, escapeInto } from './encode-text.ts';

const QUOTE = 0x27;
const ZERO = 0x30;
const NINE = 0x39;
const POINT = 0x2e;
const ascii = new TextDecoder('latin1');

/** The server reads the shortest decimal of a float64 as that float64. NaN and infinities it has none for. */
export class Float64Encoder extends ColumnEncoder {
  encode(out: Uint8Array, at: number, data: Uint8Array, start: number, end: number): number {
    if (!endsInDigit(data, end)) this.refuse('NaN or an infinity, which MySQL has none for: see `as_text`');
    out[at] = QUOTE;
    const to = escapeInto(out, at + 1, data, start, end);
    out[to] = QUOTE;
    return to + 1;
  }
}

/** The server reads a float64 and rounds it; given the float32 itself there is nothing to round. */
export class Float32Encoder extends ColumnEncoder {
  encode(out: Uint8Array, at: number, data: Uint8Array, start: number, end: number): number {
    if (!endsInDigit(data, end)) this.refuse('NaN or an infinity, which MySQL has none for: see `as_text`');
    const value = nearestFloat32(ascii.decode(data.subarray(start, end)));
    return asciiInto(out, at, Object.is(value, -0) ? "'-0'" : `'${value}'`);
  }
}

function endsInDigit(data: Uint8Array, end: number): boolean {
  const last = data[end - 1]!;
  return (last >= ZERO && last <= NINE) || last === POINT;
}
