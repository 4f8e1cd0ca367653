import { nearestFloat32 } from '@weir/sdk';
import { ColumnEncoder } from './encode.ts';
import { asciiInto, escapeInto } from './encode-text.ts';

const QUOTE = 0x27;
const ZERO = 0x30;
const NINE = 0x39;
const POINT = 0x2e;
const ascii = new TextDecoder('latin1');

const MINUS = 0x2d;

/** Values that a float of the source may have and the server's has not are refused. */
abstract class FloatEncoder extends ColumnEncoder {
  readonly #negativeZero: boolean;

  /** @param negativeZero whether the server has one */
  constructor(negativeZero: boolean, ...column: ConstructorParameters<typeof ColumnEncoder>) {
    super(...column);
    this.#negativeZero = negativeZero;
  }

  protected expectHeld(data: Uint8Array, start: number, end: number): void {
    if (!endsInDigit(data, end)) this.refuse('NaN or an infinity, which MySQL has none for: see `as_text`');
    const isNegativeZero = end - start === 2 && data[start] === MINUS && data[start + 1] === ZERO;
    if (isNegativeZero && !this.#negativeZero) this.refuse('a negative zero, which MariaDB has none for: see `as_text`');
  }
}

/** The server reads the shortest decimal of a float64 as that float64. */
export class Float64Encoder extends FloatEncoder {
  encode(out: Uint8Array, at: number, data: Uint8Array, start: number, end: number): number {
    this.expectHeld(data, start, end);
    out[at] = QUOTE;
    const to = escapeInto(out, at + 1, data, start, end);
    out[to] = QUOTE;
    return to + 1;
  }
}

/** The server reads a float64 and rounds it; given the float32 itself there is nothing to round. */
export class Float32Encoder extends FloatEncoder {
  encode(out: Uint8Array, at: number, data: Uint8Array, start: number, end: number): number {
    this.expectHeld(data, start, end);
    const value = nearestFloat32(ascii.decode(data.subarray(start, end)));
    return asciiInto(out, at, Object.is(value, -0) ? "'-0'" : `'${value}'`);
  }
}

function endsInDigit(data: Uint8Array, end: number): boolean {
  const last = data[end - 1]!;
  return (last >= ZERO && last <= NINE) || last === POINT;
}
