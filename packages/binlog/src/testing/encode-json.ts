import { encodeBytes, encodeFloat, encodeInteger } from '../encoding/encode-value.ts';

/** A value of a type that JSON has not. */
export interface Opaque {
  readonly opaque: number;
  readonly bytes: Uint8Array;
}
/** A double is given as such, since JavaScript has no other numbers; others are integers. */
export interface Double {
  readonly double: number;
}
export type JsonInput = null | boolean | bigint | string | Double | Opaque | readonly JsonInput[] | ReadonlyMap<string, JsonInput>;

/** A document in MySQL's binary form. */
export function encodeJson(value: JsonInput): Buffer {
  const { type, bytes } = encodeValue(value);
  return Buffer.concat([Buffer.from([type]), bytes]);
}

interface Encoded {
  readonly type: number;
  readonly bytes: Buffer;
}

function encodeValue(value: JsonInput): Encoded {
  if (value === null) return { type: 4, bytes: Buffer.from([0]) };
  if (typeof value === 'boolean') return { type: 4, bytes: Buffer.from([value ? 1 : 2]) };
  if (typeof value === 'bigint') return encodeNumber(value);
  if (typeof value === 'string') return { type: 12, bytes: withLength(Buffer.from(value)) };
  if (Array.isArray(value)) return encodeContainer(null, (value as readonly JsonInput[]).map(encodeValue));
  if (value instanceof Map) {
    const members = [...(value as ReadonlyMap<string, JsonInput>)].map(([key, each]): [Buffer, JsonInput] => [Buffer.from(key), each]);
    members.sort(([a], [b]) => a.length - b.length || Buffer.compare(a, b));
    return encodeContainer(
      members.map(([key]) => key),
      members.map(([, each]) => encodeValue(each)),
    );
  }
  const scalar = value as Double | Opaque;
  if ('double' in scalar) return { type: 11, bytes: encodeFloat(scalar.double, 8) };
  return { type: 15, bytes: Buffer.concat([Buffer.from([scalar.opaque]), withLength(scalar.bytes)]) };
}

function encodeNumber(value: bigint): Encoded {
  if (BigInt.asIntN(16, value) === value) return { type: 5, bytes: encodeInteger(value, 2) };
  if (BigInt.asUintN(16, value) === value) return { type: 6, bytes: encodeInteger(value, 2) };
  if (BigInt.asIntN(32, value) === value) return { type: 7, bytes: encodeInteger(value, 4) };
  if (BigInt.asUintN(32, value) === value) return { type: 8, bytes: encodeInteger(value, 4) };
  return { type: BigInt.asIntN(64, value) === value ? 9 : 10, bytes: encodeInteger(value, 8) };
}

/** Seven bits a byte, the lowest first. */
function withLength(bytes: Uint8Array): Buffer {
  const length: number[] = [];
  let rest = bytes.length;
  do {
    length.push((rest & 0x7f) | (rest >= 0x80 ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return Buffer.concat([Buffer.from(length), bytes]);
}

/** Small where all of it fits into 64 KiB and all that is inside is small, else large. */
function encodeContainer(keys: readonly Buffer[] | null, values: readonly Encoded[]): Encoded {
  const large = values.some(({ type }) => type === 1 || type === 3) || layout(keys, values, 2).length > 0xffff;
  const kind = keys === null ? 2 : 0;
  return { type: kind + (large ? 1 : 0), bytes: layout(keys, values, large ? 4 : 2) };
}

function layout(keys: readonly Buffer[] | null, values: readonly Encoded[], offset: 2 | 4): Buffer {
  const inline = ({ type }: Encoded): boolean => type === 4 || type === 5 || type === 6 || (offset === 4 && (type === 7 || type === 8));
  let at = 2 * offset + (keys?.length ?? 0) * (offset + 2) + values.length * (offset + 1);
  const place = (bytes: Buffer): Buffer => {
    at += bytes.length;
    return encodeInteger(BigInt(at - bytes.length), offset);
  };
  const keyEntries = (keys ?? []).map((key) => Buffer.concat([place(key), encodeInteger(BigInt(key.length), 2)]));
  const valueEntries = values.map((value) => {
    const content = inline(value) ? Buffer.concat([value.bytes, Buffer.alloc(offset - value.bytes.length)]) : place(value.bytes);
    return Buffer.concat([Buffer.from([value.type]), content]);
  });
  const bodies = values.filter((value) => !inline(value)).map(({ bytes }) => bytes);
  const head = Buffer.concat([encodeInteger(BigInt(values.length), offset), encodeInteger(BigInt(at), offset)]);
  return Buffer.concat([head, ...keyEntries, ...valueEntries, ...(keys ?? []), ...bodies]);
}

/** One change of a partial update. */
export interface JsonChange {
  readonly operation: 'replace' | 'insert' | 'remove';
  readonly path: string;
  readonly value?: JsonInput;
}

/** The changes of a partial update, their length of four bytes first. */
export function encodeJsonChanges(changes: readonly JsonChange[]): Buffer {
  const parts = changes.map(({ operation, path, value }) => {
    const number = { replace: 0, insert: 1, remove: 2 }[operation];
    const field = (bytes: Buffer): Buffer =>
      bytes.length < 251 ? encodeBytes(bytes, 1) : Buffer.concat([Buffer.from([252]), encodeBytes(bytes, 2)]);
    return Buffer.concat([Buffer.from([number]), field(Buffer.from(path)), ...(value === undefined ? [] : [field(encodeJson(value))])]);
  });
  return encodeBytes(Buffer.concat(parts), 4);
}
