import { ColumnEncoder } from './encode.ts';

const QUOTE = 0x27;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const POINT = 0x2e;
/** From this length on one native copy of a run beats a loop. */
const NATIVE_COPY_BYTES = 24;

/** By byte: 0 = as it is, else what stands for it after a backslash. In utf8mb4 no byte of a longer character is one of these. */
const escapes = new Uint8Array(256);
escapes[QUOTE] = QUOTE;
escapes[BACKSLASH] = BACKSLASH;

/** Writes bytes as the inside of a quoted text. @returns where they end */
export function escapeInto(out: Uint8Array, at: number, data: Uint8Array, start: number, end: number): number {
  let to = at;
  let from = start;
  while (from < end) {
    let stop = from;
    while (stop < end && escapes[data[stop]!] === 0) stop++;
    if (stop - from >= NATIVE_COPY_BYTES) {
      out.set(data.subarray(from, stop), to);
      to += stop - from;
    } else {
      for (let i = from; i < stop; i++) out[to++] = data[i]!;
    }
    if (stop === end) return to;
    out[to++] = BACKSLASH;
    out[to++] = escapes[data[stop]!]!;
    from = stop + 1;
  }
  return to;
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

/** Whether a decimal has digits other than 0 behind its first `scale` after the point. */
export function roundsAt(scale: number, data: Uint8Array, start: number, end: number): boolean {
  let last = end;
  while (last > start && data[last - 1] === ZERO) last--;
  for (let i = last - scale - 2; i >= start; i--) if (data[i] === POINT) return true;
  return false;
}
