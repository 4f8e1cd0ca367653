import type { CellRewrite } from '@weir/pgoutput';
import { Spill, WeirError, type LogicalType } from '@weir/sdk';
import type { TypeMapping } from './type-mapping.ts';

const OPEN = 0x7b;
const CLOSE = 0x7d;
const COMMA = 0x2c;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACKET = 0x5b;
const HEX = '0123456789abcdef';

/**
 * An array's text, `{1,NULL,"a \"b\""}`, as JSON text, `[1,null,"a \"b\""]`.
 * Format: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
 * Numbers stay digits, so nothing is rounded; NaN and infinities become strings, as JSON has none.
 */
export function arrayRewrite(element: TypeMapping): CellRewrite {
  return {
    place: 'spill',
    rewrite(data, start, length, spill) {
      if (data[start] === BRACKET) {
        throw new WeirError('WEIR_PG_ARRAY_BOUNDS', 'an array has a lower bound other than 1, which JSON text cannot hold');
      }
      new ArrayText(data, start, start + length, element, spill).convert();
    },
  };
}

class ArrayText {
  readonly #data: Uint8Array;
  readonly #end: number;
  readonly #element: TypeMapping;
  readonly #spill: Spill;
  #at: number;

  constructor(data: Uint8Array, start: number, end: number, element: TypeMapping, spill: Spill) {
    this.#data = data;
    this.#at = start;
    this.#end = end;
    this.#element = element;
    this.#spill = spill;
  }

  convert(): void {
    while (this.#at < this.#end) {
      const byte = this.#data[this.#at]!;
      if (byte === OPEN) this.#punctuation(BRACKET);
      else if (byte === CLOSE) this.#punctuation(0x5d);
      else if (byte === COMMA) this.#punctuation(COMMA);
      else if (byte === QUOTE) this.#quoted();
      else this.#bare();
    }
  }

  #punctuation(byte: number): void {
    this.#spill.byte(byte);
    this.#at++;
  }

  /** An element in quotes; its escapes are removed into a scratch of its own, since it is at most as long. */
  #quoted(): void {
    const text = new Uint8Array(this.#end - this.#at);
    let length = 0;
    this.#at++;
    while (this.#at < this.#end && this.#data[this.#at] !== QUOTE) {
      if (this.#data[this.#at] === BACKSLASH && this.#at + 1 < this.#end) this.#at++;
      text[length++] = this.#data[this.#at++]!;
    }
    this.#at++;
    this.#value(text, length);
  }

  #bare(): void {
    const start = this.#at;
    while (this.#at < this.#end && this.#data[this.#at] !== COMMA && this.#data[this.#at] !== CLOSE) this.#at++;
    const length = this.#at - start;
    if (isNull(this.#data, start, length)) this.#spill.ascii('null');
    else this.#value(this.#data.slice(start, start + length), length);
  }

  #value(text: Uint8Array, length: number): void {
    const { type, rewrite } = this.#element;
    const spill = this.#spill;
    if (isNumber(type) && isFinite(text[length - 1]!)) spill.bytes(text, 0, length);
    else if (type.kind === 'bool') spill.ascii(text[0] === 0x74 ? 'true' : 'false');
    else if (type.kind === 'json') spill.bytes(text, 0, length);
    else if (rewrite === null || type.kind === 'bytes') jsonString(text, length, spill);
    else if (rewrite.place === 'slab') jsonString(text, rewrite.rewrite(text, 0, length), spill);
    else {
      const rewritten = new Spill();
      rewrite.rewrite(text, 0, length, rewritten);
      // An array in an array, by way of a domain, is JSON text already.
      if (type.kind === 'array') spill.bytes(rewritten.data, 0, rewritten.length);
      else jsonString(rewritten.data, rewritten.length, spill);
    }
  }
}

function isNumber(type: LogicalType): boolean {
  return type.kind === 'int' || type.kind === 'uint' || type.kind === 'float' || type.kind === 'decimal';
}

/** Numbers end in a digit; `NaN`, `Infinity` and `-Infinity` do not. */
function isFinite(last: number): boolean {
  return last >= 0x30 && last <= 0x39;
}

function isNull(data: Uint8Array, start: number, length: number): boolean {
  if (length !== 4) return false;
  return (
    (data[start]! | 0x20) === 0x6e &&
    (data[start + 1]! | 0x20) === 0x75 &&
    (data[start + 2]! | 0x20) === 0x6c &&
    (data[start + 3]! | 0x20) === 0x6c
  );
}

function jsonString(text: Uint8Array, length: number, spill: Spill): void {
  spill.byte(QUOTE);
  for (let i = 0; i < length; i++) {
    const byte = text[i]!;
    if (byte === QUOTE || byte === BACKSLASH) spill.byte(BACKSLASH);
    if (byte >= 0x20) spill.byte(byte);
    else spill.ascii(`\\u00${HEX[byte >> 4]}${HEX[byte & 15]}`);
  }
  spill.byte(QUOTE);
}
