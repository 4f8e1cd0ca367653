import { roundsAt, writeEscaped } from '@weir/sql-sink';
import { ColumnEncoder } from './encode.ts';

const QUOTE = 0x27;
const BACKSLASH = 0x5c;
const ZERO = 0x30;

/** See `writeEscaped`. In utf8mb4 no byte of a longer character is one of these. */
const escapes = new Uint8Array(256);
escapes[QUOTE] = QUOTE;
escapes[BACKSLASH] = BACKSLASH;

/** Writes bytes as the inside of a quoted text. @returns where they end */
export function escapeInto(out: Uint8Array, at: number, data: Uint8Array, start: number, end: number): number {
  return writeEscaped(escapes, out, at, data, start, end);
}

/** Writes ASCII as it is. @returns where it ends */
export function asciiInto(out: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) out[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** Text, and every type whose canonical cell is what the server reads. */
export class QuotedEncoder extends ColumnEncoder {
  encode(out: Uint8Array, at: number, data: Uint8Array, start: number, end: number): number {
    out[at] = QUOTE;
    const to = escapeInto(out, at + 1, data, start, end);
    out[to] = QUOTE;
    return to + 1;
  }
}

const BINARY = '_binary';

/** Bytes as they are, told not to be characters. */
export class BytesEncoder extends ColumnEncoder {
  encode(out: Uint8Array, at: number, data: Uint8Array, start: number, end: number): number {
    let to = asciiInto(out, at, BINARY);
    out[to++] = QUOTE;
    to = escapeInto(out, to, data, start, end);
    out[to] = QUOTE;
    return to + 1;
  }
}

/** `t` and `f` as 1 and 0. */
export class BoolEncoder extends ColumnEncoder {
  encode(out: Uint8Array, at: number, data: Uint8Array, start: number, end: number): number {
    const isTrue = data[start] === 0x74;
    if (end - start !== 1 || (!isTrue && data[start] !== 0x66)) this.refuse('a cell is neither t nor f');
    out[at] = isTrue ? ZERO + 1 : ZERO;
    return at + 1;
  }
}

/** A decimal with bounded digits after the point: the server would round what is more, and say nothing. */
export class DecimalEncoder extends QuotedEncoder {
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
