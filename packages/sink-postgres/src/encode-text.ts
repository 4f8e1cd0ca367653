import { FORBIDDEN, roundsAt, writeEscaped } from '@weir/sql-sink';
import { ColumnEncoder } from './encode.ts';

const BACKSLASH = 0x5c;
const X = 0x78;

/** See `writeEscaped`; no text of PostgreSQL has a NUL. */
const escapes = new Uint8Array(256);
escapes[0] = FORBIDDEN;
escapes[BACKSLASH] = BACKSLASH;
for (const [letter, byte] of Object.entries({ b: 8, f: 12, n: 10, r: 13, t: 9, v: 11 })) {
  escapes[byte] = letter.charCodeAt(0);
}

/** Writes bytes escaped for COPY's text format. @returns where they end, or -1 at a NUL */
export function escapeInto(out: Uint8Array, at: number, data: Uint8Array, start: number, end: number): number {
  return writeEscaped(escapes, out, at, data, start, end);
}

/** Text, and every type whose canonical cell is the server's own text. */
export class Utf8Encoder extends ColumnEncoder {
  override readonly divisible: boolean = true;

  encode(out: Uint8Array, at: number, data: Uint8Array, start: number, end: number): number {
    const to = escapeInto(out, at, data, start, end);
    return to < 0 ? this.refuse('a text holds a NUL character, which PostgreSQL cannot store') : to;
  }
}

/** Two hexadecimal digits by byte. */
const hexHigh = new Uint8Array(256);
const hexLow = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  const digits = byte.toString(16).padStart(2, '0');
  hexHigh[byte] = digits.charCodeAt(0);
  hexLow[byte] = digits.charCodeAt(1);
}

/** Bytes as `\x` and hexadecimal digits, the backslash doubled for COPY. */
export class BytesEncoder extends ColumnEncoder {
  override readonly prefix: string = String.fromCharCode(BACKSLASH, BACKSLASH, X);
  override readonly divisible: boolean = true;

  encode(out: Uint8Array, at: number, data: Uint8Array, start: number, end: number): number {
    let to = at;
    for (let i = start; i < end; i++) {
      const byte = data[i]!;
      out[to++] = hexHigh[byte]!;
      out[to++] = hexLow[byte]!;
    }
    return to;
  }
}

/** A decimal with bounded digits after the point: the server would round what is more. */
export class DecimalEncoder extends Utf8Encoder {
  override readonly divisible: boolean = false;
  readonly #scale: number;

  constructor(scale: number, ...column: ConstructorParameters<typeof ColumnEncoder>) {
    super(...column);
    this.#scale = scale;
  }

  override encode(out: Uint8Array, at: number, data: Uint8Array, start: number, end: number): number {
    if (roundsAt(this.#scale, data, start, end)) this.refuse(`a value has more than ${this.#scale} digits after the point`);
    return super.encode(out, at, data, start, end);
  }
}
