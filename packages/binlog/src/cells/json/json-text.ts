import type { Spill } from '@weir/sdk';
import { decimalSize, isDecimal, writeDecimal } from '../decimal-cell.ts';
import { MINUS, writeNumber } from '../digits.ts';
import { float64At } from '../float-cell.ts';
import { writeInteger64 } from '../integer-cell.ts';
import { MysqlType } from '../mysql-type.ts';
import { jsonDouble } from './json-double.ts';
import { writeJsonMoment } from './json-moment.ts';
import { writeJsonString } from './json-string.ts';
import { JsonType, isContainer, jsonBytes, type JsonContainer, type Jsonb } from './jsonb.ts';

const LITERALS = ['null', 'true', 'false'];
const LINE = 76;

/**
 * Appends a document as the server prints it: `{"a": 1, "b": [1, 2]}`. One without a byte, which the server stores where it has to
 * ignore an error, is `null`.
 * @throws WeirError WEIR_BINLOG_DAMAGED; what was appended by then is to be taken back
 */
export function writeJson(document: Jsonb, spill: Spill): void {
  const { data, start, end } = document;
  if (start === end) spill.ascii('null');
  else writeValue(document, spill, data[start]!, start + 1, end, 0);
}

function writeValue(document: Jsonb, spill: Spill, type: number, at: number, limit: number, depth: number): void {
  if (isContainer(type)) writeContainer(document, spill, document.container(type, at, limit, depth + 1), depth + 1);
  else writeScalar(document, spill, type, at, limit);
}

function writeContainer(document: Jsonb, spill: Spill, container: JsonContainer, depth: number): void {
  spill.ascii(container.isObject ? '{' : '[');
  for (let i = 0; i < container.count; i++) {
    if (i > 0) spill.ascii(', ');
    if (container.isObject) {
      const key = container.key(i);
      writeJsonString(spill, document.data, key.start, key.end);
      spill.ascii(': ');
    }
    writeValue(document, spill, container.type(i), container.valueAt(i), container.end, depth);
  }
  spill.ascii(container.isObject ? '}' : ']');
}

/** Appends a value that is no object and no array. Those that stand in their entry were counted as read with it. */
export function writeScalar(document: Jsonb, spill: Spill, type: number, at: number, limit: number): void {
  const { data } = document;
  const size = SIZES[type];
  if (size !== undefined && size > limit - at) throw document.damaged();
  switch (type) {
    case JsonType.literal: {
      const text = LITERALS[data[at]!];
      if (text === undefined) throw document.damaged();
      spill.ascii(text);
      return;
    }
    case JsonType.int16:
      return writeSigned(spill, (document.uint16(at) << 16) >> 16);
    case JsonType.int32:
      return writeSigned(spill, document.uint32(at) | 0);
    case JsonType.uint16:
      return writeNumber(spill, document.uint16(at));
    case JsonType.uint32:
      return writeNumber(spill, document.uint32(at));
    case JsonType.int64:
    case JsonType.uint64:
      return writeInteger64(spill, data, at, type === JsonType.uint64);
    case JsonType.double:
      return writeDouble(document, spill, float64At(data, at));
    case JsonType.string: {
      const { start, end } = jsonBytes(document, at, limit);
      return writeJsonString(spill, data, start, end);
    }
    case JsonType.opaque:
      return writeOpaque(document, spill, at, limit);
    default:
      throw document.damaged();
  }
}

const SIZES: Readonly<Record<number, number>> = {
  [JsonType.literal]: 1,
  [JsonType.int16]: 2,
  [JsonType.uint16]: 2,
  [JsonType.int32]: 4,
  [JsonType.uint32]: 4,
  [JsonType.int64]: 8,
  [JsonType.uint64]: 8,
  [JsonType.double]: 8,
  [JsonType.opaque]: 1,
};

function writeSigned(spill: Spill, value: number): void {
  if (value < 0) spill.byte(MINUS);
  writeNumber(spill, Math.abs(value));
}

function writeDouble(document: Jsonb, spill: Spill, value: number): void {
  if (!Number.isFinite(value)) throw document.damaged();
  spill.ascii(jsonDouble(value));
}

/** A value of a type that JSON has not: its type's number, and its bytes. */
function writeOpaque(document: Jsonb, spill: Spill, at: number, limit: number): void {
  const type = document.data[at]!;
  const { start, end } = jsonBytes(document, at + 1, limit);
  switch (type) {
    case MysqlType.newDecimal:
      return writeOpaqueDecimal(document, spill, start, end);
    case MysqlType.date:
    case MysqlType.datetime:
    case MysqlType.timestamp:
    case MysqlType.time:
      if (end - start !== 8) throw document.damaged();
      return writeJsonMoment(spill, type, document.data, start);
    case MysqlType.varString:
      return writeJsonString(spill, document.data, start, end);
    default:
      spill.ascii(`"base64:type${type}:${base64(document.data.subarray(start, end))}"`);
  }
}

/** A decimal: its precision, its scale, and its binary form. */
function writeOpaqueDecimal(document: Jsonb, spill: Spill, start: number, end: number): void {
  const precision = document.data[start]!;
  const scale = document.data[start + 1]!;
  if (end - start < 3 || !isDecimal(precision, scale) || decimalSize(precision, scale) !== end - start - 2) throw document.damaged();
  if (!writeDecimal(spill, document.data, start + 2, precision, scale)) throw document.damaged();
}

/** Lines of 76 characters, the ends of the lines escaped as in a JSON string. */
function base64(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
  const lines: string[] = [];
  for (let at = 0; at < text.length; at += LINE) lines.push(text.slice(at, at + LINE));
  return lines.join('\\n');
}
