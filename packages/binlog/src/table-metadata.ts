import { MysqlType, realType } from './cells/mysql-type.ts';
import type { BinlogColumn } from './cells/cell-decoder.ts';
import type { EventReader } from './event-reader.ts';
import type { LogFormat } from './log-format.ts';

/** A column of the primary key. */
export interface KeyPart {
  readonly column: number;
  /** Characters of the column that are part of the key; 0 is all. */
  readonly prefix: number;
}

/** A column before the optional metadata is known. */
export interface ColumnType {
  readonly type: number;
  readonly meta: number;
}

type ColumnMetadata = { -readonly [K in 'name' | 'unsigned' | 'collation' | 'values' | 'detail']?: BinlogColumn[K] };

/** What a TABLE_MAP has beside types and names. */
export interface TableMetadata {
  /** What is known of each column. */
  readonly columns: readonly ColumnMetadata[];
  readonly primaryKey: readonly KeyPart[] | null;
  readonly invisible: readonly boolean[] | null;
}

export const noMetadata: TableMetadata = { columns: [], primaryKey: null, invisible: null };

/** Kinds of fields; each has its length in front, so that those of later versions are passed over. */
const Field = {
  signedness: 1,
  defaultCharset: 2,
  columnCharset: 3,
  columnName: 4,
  setValues: 5,
  enumValues: 6,
  geometryType: 7,
  simplePrimaryKey: 8,
  primaryKeyWithPrefix: 9,
  enumAndSetDefaultCharset: 10,
  enumAndSetColumnCharset: 11,
  visibility: 12,
  vectorDimensions: 13,
} as const;

/** Types of which `signedness` has a bit; YEAR is one of them on every server. */
const signedTypes = new Set<number>([
  0, // DECIMAL before 5.0
  MysqlType.tiny,
  MysqlType.short,
  MysqlType.int24,
  MysqlType.long,
  MysqlType.longlong,
  MysqlType.newDecimal,
  MysqlType.float,
  MysqlType.double,
  MysqlType.year,
]);
const textTypes = new Set<number>([
  MysqlType.string,
  MysqlType.varString,
  MysqlType.varchar,
  MysqlType.blob,
  // MariaDB alone has these
  MysqlType.compressedBlob,
  MysqlType.compressedVarchar,
]);

/** Reads the fields up to the end of the event, of the table of the columns given. */
export function readMetadata(reader: EventReader, types: readonly ColumnType[], flavour: LogFormat['flavour']): TableMetadata {
  const reading = new MetadataReading(reader, types, flavour);
  while (reader.left > 0) {
    const field = reader.uint8();
    const length = reader.packed();
    reader.need(length);
    reading.read(field, reader.at + length);
  }
  return reading;
}

class MetadataReading implements TableMetadata {
  readonly columns: ColumnMetadata[];
  primaryKey: KeyPart[] | null = null;
  invisible: boolean[] | null = null;
  readonly #reader: EventReader;
  readonly #types: readonly number[];
  /** MariaDB counts geometries among the columns with a character set. */
  readonly #geometryIsText: boolean;

  constructor(reader: EventReader, types: readonly ColumnType[], flavour: LogFormat['flavour']) {
    this.#reader = reader;
    this.#types = types.map(({ type, meta }) => realType(type, meta).type);
    this.columns = types.map(() => ({}));
    this.#geometryIsText = flavour === 'mariadb';
  }

  /** Reads one field, which ends at `end`. */
  read(field: number, end: number): void {
    switch (field) {
      case Field.signedness:
        this.#readSignedness();
        this.#reader.at = end;
        break;
      case Field.defaultCharset:
        this.#readDefaultCharset(this.#texts(), end);
        break;
      case Field.columnCharset:
        this.#readEach(this.#texts(), end, (column) => (column.collation = this.#reader.packed()));
        break;
      case Field.columnName:
        this.#readEach(this.columns, end, (column) => (column.name = this.#reader.utf8(this.#reader.packed())));
        break;
      case Field.setValues:
        this.#readEach(this.#of(MysqlType.set), end, (column) => (column.values = this.#readValues(end)));
        break;
      case Field.enumValues:
        this.#readEach(this.#of(MysqlType.enum), end, (column) => (column.values = this.#readValues(end)));
        break;
      case Field.geometryType:
        this.#readEach(this.#of(MysqlType.geometry), end, (column) => (column.detail = this.#reader.packed()));
        break;
      case Field.vectorDimensions:
        this.#readEach(this.#of(MysqlType.vector), end, (column) => (column.detail = this.#reader.packed()));
        break;
      case Field.enumAndSetDefaultCharset:
        this.#readDefaultCharset(this.#of(MysqlType.enum, MysqlType.set), end);
        break;
      case Field.enumAndSetColumnCharset:
        this.#readEach(this.#of(MysqlType.enum, MysqlType.set), end, (column) => (column.collation = this.#reader.packed()));
        break;
      case Field.simplePrimaryKey:
        this.#readKey(end, false);
        break;
      case Field.primaryKeyWithPrefix:
        this.#readKey(end, true);
        break;
      case Field.visibility:
        this.invisible = this.columns.map((_, column) => !this.#bit(column));
        this.#reader.at = end;
        break;
      default:
        this.#reader.at = end;
    }
    if (this.#reader.at !== end) throw this.#reader.damaged('metadata of a table have another length than they say');
  }

  /** Bits from the highest of the first byte on, one for each column of these. */
  #bit(index: number): boolean {
    const at = this.#reader.at + (index >> 3);
    return at < this.#reader.end && ((this.#reader.data[at]! >> (7 - (index & 7))) & 1) === 1;
  }

  #readSignedness(): void {
    const numbers = this.columns.filter((_, column) => signedTypes.has(this.#types[column]!));
    for (const [index, column] of numbers.entries()) column.unsigned = this.#bit(index);
  }

  #of(...types: number[]): ColumnMetadata[] {
    return this.columns.filter((_, column) => types.includes(this.#types[column]!));
  }

  #texts(): ColumnMetadata[] {
    return this.columns.filter((_, column) => {
      const type = this.#types[column]!;
      return textTypes.has(type) || (this.#geometryIsText && type === MysqlType.geometry);
    });
  }

  /** One value for each of the columns. */
  #readEach(columns: readonly ColumnMetadata[], end: number, read: (column: ColumnMetadata) => void): void {
    for (const column of columns) {
      if (this.#reader.at >= end) throw this.#reader.damaged('metadata of a table are missing for a column');
      read(column);
    }
  }

  /** The collation that most columns have, then those of others, each with its place among these columns. */
  #readDefaultCharset(columns: readonly ColumnMetadata[], end: number): void {
    const most = this.#reader.packed();
    for (const column of columns) column.collation = most;
    while (this.#reader.at < end) {
      const column = columns[this.#reader.packed()];
      if (column === undefined) throw this.#reader.damaged('a character set of a column that the table has not');
      column.collation = this.#reader.packed();
    }
  }

  #readValues(end: number): Uint8Array[] {
    const count = this.#reader.packed();
    if (count > end - this.#reader.at) throw this.#reader.damaged('more values than there is room for');
    return Array.from({ length: count }, () => this.#reader.bytes(this.#reader.packed()).slice());
  }

  #readKey(end: number, withPrefix: boolean): void {
    const parts: KeyPart[] = [];
    while (this.#reader.at < end) {
      const column = this.#reader.packed();
      if (column >= this.columns.length) throw this.#reader.damaged('a key of a column that the table has not');
      parts.push({ column, prefix: withPrefix ? this.#reader.packed() : 0 });
    }
    this.primaryKey = parts;
  }
}
