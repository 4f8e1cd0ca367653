import duckdb from '@duckdb/node-bindings';
import { float32Text, float64Text } from '@weir/sdk';
import { dateFromDays } from './calendar.ts';
import { DATE_INFINITY, TIMESTAMP_INFINITY } from './encode-time.ts';
import type { RowText } from './row-text.ts';
import { slotBytes, type Storage } from './types.ts';

const INLINE_BYTES = 12;
const SECOND_MICROS = 1_000_000;
const DAY_MICROS = 86_400_000_000;

/** How a column is read. */
export interface ScannedColumn {
  readonly storage: Storage;
  /** Its cells are plain decimals, also where DuckDB has a float. */
  readonly isDecimal: boolean;
}

/** One column of a chunk that DuckDB answered, read as canonical cells. Valid while the chunk is. */
export class ColumnReader {
  readonly #storage: Storage;
  readonly #isDecimal: boolean;
  readonly #view: DataView;
  readonly #data: Uint8Array;
  readonly #validity: Uint8Array | null;
  readonly #width: number;

  constructor(vector: duckdb.Vector, { storage, isDecimal }: ScannedColumn, rows: number) {
    this.#storage = storage;
    this.#isDecimal = isDecimal;
    this.#width = slotBytes(storage);
    this.#data = duckdb.vector_get_data(vector, rows * this.#width);
    this.#view = new DataView(this.#data.buffer, this.#data.byteOffset, this.#data.byteLength);
    // DuckDB's own type says a Uint8Array; a vector without NULLs has none.
    this.#validity = duckdb.vector_get_validity(vector, Math.ceil(rows / 64) * 8) as Uint8Array | null;
  }

  /** Adds the cell of a row. */
  read(row: number, to: RowText): void {
    if (this.#validity !== null && (this.#validity[row >> 3]! & (1 << (row & 7))) === 0) to.nullCell();
    else if (this.#storage.kind === 'text' || this.#storage.kind === 'bytes') to.bytes(this.#bytes(row * 16));
    else to.ascii(this.#text(row * this.#width));
  }

  #text(at: number): string {
    const storage = this.#storage;
    switch (storage.kind) {
      case 'bool':
        return this.#data[at] === 0 ? 'f' : 't';
      case 'int':
      case 'uint':
        return this.#integer(at, this.#width, storage.kind === 'int').toString();
      case 'float':
        return this.#float(at, storage.bits);
      case 'decimal':
        return decimalText(this.#integer(at, storage.bytes, true).toString(), storage.scale);
      case 'date':
        return dateText(this.#view.getInt32(at, true));
      case 'timestamp':
      case 'timestamptz':
        return timestampText(this.#view.getBigInt64(at, true), storage.kind === 'timestamptz' ? 'Z' : '');
      case 'time':
        return timeText(Number(this.#view.getBigInt64(at, true)));
      default:
        return this.#uuid(at);
    }
  }

  #float(at: number, bits: 32 | 64): string {
    if (bits === 32) return float32Text(this.#view.getFloat32(at, true));
    const text = float64Text(this.#view.getFloat64(at, true));
    return this.#isDecimal ? plainDecimal(text) : text;
  }

  #integer(at: number, bytes: number, signed: boolean): number | bigint {
    const view = this.#view;
    switch (bytes) {
      case 1:
        return signed ? view.getInt8(at) : view.getUint8(at);
      case 2:
        return signed ? view.getInt16(at, true) : view.getUint16(at, true);
      case 4:
        return signed ? view.getInt32(at, true) : view.getUint32(at, true);
      case 8:
        return signed ? view.getBigInt64(at, true) : view.getBigUint64(at, true);
      default:
        return (view.getBigInt64(at + 8, true) << 64n) + view.getBigUint64(at, true);
    }
  }

  /** The inverse of what `UuidEncoder` writes. */
  #uuid(at: number): string {
    const view = this.#view;
    const hex = [12, 8, 4, 0].map((offset) => {
      const word = view.getUint32(at + offset, true);
      return (offset === 12 ? (word ^ 0x80000000) >>> 0 : word).toString(16).padStart(8, '0');
    });
    const digits = hex.join('');
    return [
      [0, 8],
      [8, 12],
      [12, 16],
      [16, 20],
      [20, 32],
    ]
      .map(([from, to]) => digits.slice(from, to))
      .join('-');
  }

  /** See `BytesEncoder` for the layout. */
  #bytes(at: number): Uint8Array {
    const length = this.#view.getUint32(at, true);
    if (length <= INLINE_BYTES) return this.#data.subarray(at + 4, at + 4 + length);
    return duckdb.get_data_from_pointer(this.#data.buffer as ArrayBuffer, this.#data.byteOffset + at + 8, length);
  }
}

/** `1.5e-07` as `0.00000015`. */
function plainDecimal(text: string): string {
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (match === null) return text;
  const [, sign = '', whole = '', fraction = '', exponent] = match;
  const digits = whole + fraction;
  const point = 1 + Number(exponent);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  const padded = digits.padEnd(point, '0');
  return point === padded.length ? sign + padded : `${sign}${padded.slice(0, point)}.${padded.slice(point)}`;
}

function decimalText(digits: string, scale: number): string {
  if (scale === 0) return digits;
  const sign = digits.startsWith('-') ? '-' : '';
  const padded = digits.slice(sign.length).padStart(scale + 1, '0');
  return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
}

function dateText(days: number): string {
  if (days === DATE_INFINITY) return 'infinity';
  if (days === -DATE_INFINITY) return '-infinity';
  const { year, month, day } = dateFromDays(days);
  const yearText = year < 0 ? `-${pad(-year, 6)}` : pad(year, 4);
  return `${yearText}-${pad(month, 2)}-${pad(day, 2)}`;
}

/** The canonical text of microseconds since 1970. @param zone `Z` or nothing */
export function timestampText(micros: bigint, zone: string): string {
  if (micros === TIMESTAMP_INFINITY) return 'infinity';
  if (micros === -TIMESTAMP_INFINITY) return '-infinity';
  const day = BigInt(DAY_MICROS);
  const timeOfDay = ((micros % day) + day) % day;
  return `${dateText(Number((micros - timeOfDay) / day))}T${timeText(Number(timeOfDay))}${zone}`;
}

function timeText(micros: number): string {
  const seconds = Math.floor(micros / SECOND_MICROS);
  const text = `${pad(Math.floor(seconds / 3600), 2)}:${pad(Math.floor(seconds / 60) % 60, 2)}:${pad(seconds % 60, 2)}`;
  const fraction = micros % SECOND_MICROS;
  return fraction === 0 ? text : `${text}.${pad(fraction, 6).replace(/0+$/, '')}`;
}

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, '0');
}
