import { roundsAt } from '@weir/sql-sink';
import { ColumnEncoder } from './encode.ts';
import { escapeInto } from './encode-text.ts';
import { writeBc } from './encode-time.ts';
import type { Encoding } from './types.ts';

const OPEN = 0x7b;
const CLOSE = 0x7d;
const BRACKET = 0x5b;
const BRACKET_CLOSE = 0x5d;
const COMMA = 0x2c;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const U = 0x75;
const NULL = [0x4e, 0x55, 0x4c, 0x4c] as const;

/** What stands behind a backslash in a JSON string, but for `u`. */
const jsonEscapes: Readonly<Record<number, number>> = { 0x62: 8, 0x66: 12, 0x6e: 10, 0x72: 13, 0x74: 9 };

/**
 * An array's JSON text, `[1,null,"a \"b\""]`, as the server's array text, `{1,NULL,"a \"b\""}`, and that escaped for COPY.
 * Format: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
 */
export class ArrayEncoder extends ColumnEncoder {
  readonly #element: Encoding;
  /** The array's text before it is escaped for COPY. */
  #text: Uint8Array = new Uint8Array(256);
  #length = 0;
  /** One element's own text. */
  #value: Uint8Array = new Uint8Array(256);
  #data: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;

  constructor(element: Encoding, ...column: ConstructorParameters<typeof ColumnEncoder>) {
    super(...column);
    this.#element = element;
  }

  encode(out: Uint8Array, at: number, data: Uint8Array, start: number, end: number): number {
    this.#data = data;
    this.#at = start;
    this.#end = end;
    this.#length = 0;
    const most = ColumnEncoder.bound(end - start);
    if (this.#text.length < most) this.#text = new Uint8Array(most);
    if (this.#value.length < most) this.#value = new Uint8Array(most);
    while (this.#at < end) this.#token();
    const to = escapeInto(out, at, this.#text, 0, this.#length);
    if (most > LARGE) {
      this.#text = new Uint8Array(256);
      this.#value = new Uint8Array(256);
    }
    return to < 0 ? this.refuse('a text in an array holds a NUL character, which PostgreSQL cannot store') : to;
  }

  #token(): void {
    const byte = this.#data[this.#at]!;
    if (byte === BRACKET) this.#put(OPEN);
    else if (byte === BRACKET_CLOSE) this.#put(CLOSE);
    else if (byte === COMMA) this.#put(COMMA);
    else if (byte <= SPACE) this.#at++;
    else if (byte === QUOTE) this.#string();
    else this.#bare();
  }

  #put(byte: number): void {
    this.#text[this.#length++] = byte;
    this.#at++;
  }

  /** A number, `true`, `false` or `null`. */
  #bare(): void {
    const start = this.#at;
    while (this.#at < this.#end && !endsBare(this.#data[this.#at]!)) this.#at++;
    if (this.#data[start] === 0x6e) {
      for (const byte of NULL) this.#text[this.#length++] = byte;
      return;
    }
    const { kind } = this.#element;
    if (kind === 'decimal' && this.#rounds(this.#data, start, this.#at)) this.#refuseRounding();
    for (let i = start; i < this.#at; i++) this.#text[this.#length++] = this.#data[i]!;
  }

  /** A string: its own text is put together, brought into the server's form, and quoted. */
  #string(): void {
    const length = this.#unescape();
    const value = this.#value;
    this.#text[this.#length++] = QUOTE;
    const { kind } = this.#element;
    const bc = kind === 'date' || kind === 'timestamp' ? writeBc(this.#text, this.#length, value, 0, length) : -1;
    if (bc >= 0) this.#length = bc;
    else {
      for (let i = 0; i < length; i++) {
        const byte = value[i]!;
        if (byte === QUOTE || byte === BACKSLASH) this.#text[this.#length++] = BACKSLASH;
        this.#text[this.#length++] = byte;
      }
    }
    this.#text[this.#length++] = QUOTE;
  }

  /** Reads a JSON string into `#value`. @returns its length */
  #unescape(): number {
    const data = this.#data;
    let length = 0;
    this.#at++;
    while (this.#at < this.#end && data[this.#at] !== QUOTE) {
      const byte = data[this.#at++]!;
      if (byte !== BACKSLASH) this.#value[length++] = byte;
      else if (data[this.#at] !== U) {
        const escaped = data[this.#at++]!;
        this.#value[length++] = jsonEscapes[escaped] ?? escaped;
      } else length = this.#codePoint(length);
    }
    this.#at++;
    return length;
  }

  /** `\u00e4`, or two of them that are one character beyond the first 65,536. */
  #codePoint(length: number): number {
    const unit = this.#unit();
    const pair = unit >= 0xd800 && unit < 0xdc00 && this.#data[this.#at] === BACKSLASH && this.#data[this.#at + 1] === U;
    const text = pair ? String.fromCharCode(unit, this.#unit()) : String.fromCharCode(unit);
    return length + Buffer.from(this.#value.buffer, this.#value.byteOffset).write(text, length);
  }

  /** The four digits behind `\u`. */
  #unit(): number {
    const from = this.#data[this.#at] === BACKSLASH ? this.#at + 2 : this.#at + 1;
    this.#at = from + 4;
    return Number.parseInt(String.fromCharCode(...this.#data.subarray(from, from + 4)), 16);
  }

  #rounds(data: Uint8Array, start: number, end: number): boolean {
    const { kind } = this.#element;
    return kind === 'decimal' && this.#element.scale !== null && roundsAt(this.#element.scale, data, start, end);
  }

  #refuseRounding(): never {
    this.refuse('a value in an array has more digits after the point than its type');
  }
}

/** A scratch larger than this is given back. */
const LARGE = 1 << 20;

function endsBare(byte: number): boolean {
  return byte === COMMA || byte === BRACKET_CLOSE || byte <= SPACE;
}
