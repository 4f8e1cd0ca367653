import { damagedValue } from '../damaged-value.ts';

/** The types of values (sql-common/json_binary.h). */
export const JsonType = {
  smallObject: 0,
  largeObject: 1,
  smallArray: 2,
  largeArray: 3,
  literal: 4,
  int16: 5,
  uint16: 6,
  int32: 7,
  uint32: 8,
  int64: 9,
  uint64: 10,
  double: 11,
  string: 12,
  opaque: 15,
} as const;

/** The server's own limit. */
const DEEPEST = 100;

/** A document in MySQL's binary form, and how much of it may still be read: each byte once, so that references in circles end. */
export class Jsonb {
  readonly column: string;
  readonly data: Uint8Array;
  readonly start: number;
  readonly end: number;
  #unread: number;

  constructor(column: string, data: Uint8Array, start: number, end: number) {
    this.column = column;
    this.data = data;
    this.start = start;
    this.end = end;
    this.#unread = end - start;
  }

  damaged(): Error {
    return damagedValue(this.column, 'a JSON document is damaged');
  }

  /** Takes note that `size` bytes at `at` are read, which must lie before `limit`. */
  read(at: number, size: number, limit: number): void {
    this.#unread -= size;
    if (at < this.start || size > limit - at || this.#unread < 0) throw this.damaged();
  }

  /** @param depth of the container in the document, 1 for the outermost */
  container(type: number, at: number, limit: number, depth: number): JsonContainer {
    if (depth > DEEPEST) throw this.damaged();
    return new JsonContainer(this, type, at, limit);
  }

  uint16(at: number): number {
    return this.data[at]! | (this.data[at + 1]! << 8);
  }

  uint32(at: number): number {
    return (this.uint16(at) | (this.uint16(at + 2) << 16)) >>> 0;
  }
}

/** A value of variable length: where its bytes begin and end. */
export interface JsonBytes {
  readonly start: number;
  readonly end: number;
}

/** Reads a length, 7 bits a byte with the lowest first, and the bytes behind it. */
export function jsonBytes(document: Jsonb, at: number, limit: number): JsonBytes {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    document.read(at + i, 1, limit);
    const byte = document.data[at + i]!;
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte >= 0x80) continue;
    const start = at + i + 1;
    document.read(start, length, limit);
    return { start, end: start + length };
  }
  throw document.damaged();
}

export function isContainer(type: number): boolean {
  return type <= JsonType.largeArray;
}

/** An object or an array: count and size, then for each key its offset and length, for each value its type and offset or, if small, itself. */
export class JsonContainer {
  readonly isObject: boolean;
  readonly count: number;
  /** Where its bytes end. */
  readonly end: number;
  readonly #document: Jsonb;
  readonly #at: number;
  readonly #large: boolean;

  constructor(document: Jsonb, type: number, at: number, limit: number) {
    this.#document = document;
    this.#at = at;
    this.#large = type === JsonType.largeObject || type === JsonType.largeArray;
    this.isObject = type <= JsonType.largeObject;
    document.read(at, 2 * this.#offsetSize, limit);
    this.count = this.#offsetAt(at);
    const size = this.#offsetAt(at + this.#offsetSize);
    this.end = at + size;
    const entries = this.count * ((this.isObject ? this.#offsetSize + 2 : 0) + this.#offsetSize + 1);
    document.read(at + 2 * this.#offsetSize, entries, Math.min(this.end, limit));
    if (this.end > limit) throw document.damaged();
  }

  get #offsetSize(): 2 | 4 {
    return this.#large ? 4 : 2;
  }

  #offsetAt(at: number): number {
    return this.#large ? this.#document.uint32(at) : this.#document.uint16(at);
  }

  /** The key of a member, in UTF-8. */
  key(index: number): JsonBytes {
    const entry = this.#at + 2 * this.#offsetSize + index * (this.#offsetSize + 2);
    const start = this.#at + this.#offsetAt(entry);
    const length = this.#document.uint16(entry + this.#offsetSize);
    this.#document.read(start, length, this.end);
    return { start, end: start + length };
  }

  #entry(index: number): number {
    const keys = this.isObject ? this.count * (this.#offsetSize + 2) : 0;
    return this.#at + 2 * this.#offsetSize + keys + index * (this.#offsetSize + 1);
  }

  type(index: number): number {
    return this.#document.data[this.#entry(index)]!;
  }

  isInline(index: number): boolean {
    const type = this.type(index);
    const small = type === JsonType.literal || type === JsonType.int16 || type === JsonType.uint16;
    return small || (this.#large && (type === JsonType.int32 || type === JsonType.uint32));
  }

  /** Where a value begins; it must lie behind its entry. */
  valueAt(index: number): number {
    const entry = this.#entry(index);
    if (this.isInline(index)) return entry + 1;
    const at = this.#at + this.#offsetAt(entry + 1);
    if (at < entry + 1 + this.#offsetSize || at > this.end) throw this.#document.damaged();
    return at;
  }
}
