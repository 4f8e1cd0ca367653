import { MysqlType } from './cells/mysql-type.ts';
import type { BinlogColumn } from './cells/cell-decoder.ts';
import type { EventReader } from './event-reader.ts';
import type { LogFormat } from './log-format.ts';
import { noMetadata, readMetadata, type ColumnType, type KeyPart } from './table-metadata.ts';

/** A table as the log announces it in front of its rows. */
export interface TableMap {
  /** The server's number of this version of the table; it is another after each change of it, and starts anew with the server. */
  readonly tableId: number;
  readonly database: string;
  readonly name: string;
  /** In the order of the rows' values. */
  readonly columns: readonly BinlogColumn[];
  /** Null where the server does not say (`binlog_row_metadata` other than FULL), or where the table has none. */
  readonly primaryKey: readonly KeyPart[] | null;
  /** Columns that SELECT * leaves out; null where the server does not say. */
  readonly invisible: readonly boolean[] | null;
}

/** 6 bytes of a table's number, and flags. */
export const TABLE_ID_BYTES = 6;
const TYPED_ARRAY = 20;
/** The most that a server's table may have. */
const MAX_COLUMNS = 4096;

/** Types with one byte and with two bytes of metadata; the others have none. */
const oneByte = new Set<number>([
  MysqlType.float,
  MysqlType.double,
  MysqlType.blob,
  MysqlType.compressedBlob,
  MysqlType.json,
  MysqlType.geometry,
  MysqlType.vector,
  MysqlType.timestamp2,
  MysqlType.datetime2,
  MysqlType.time2,
]);
const twoBytes = new Set<number>([
  MysqlType.varchar,
  MysqlType.compressedVarchar,
  MysqlType.varString,
  MysqlType.string,
  MysqlType.newDecimal,
  MysqlType.bit,
  MysqlType.enum,
  MysqlType.set,
]);

/**
 * Reads the body of a TABLE_MAP.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/classmysql_1_1binlog_1_1event_1_1Table__map__event.html
 */
export function readTableMap(reader: EventReader, flavour: LogFormat['flavour']): TableMap {
  const tableId = reader.uint(TABLE_ID_BYTES);
  reader.skip(2);
  const database = readName(reader);
  const name = readName(reader);
  const count = reader.packed();
  if (count > MAX_COLUMNS) throw reader.damaged('more columns than a table may have');
  const types = reader.skip(count);
  const metadataEnd = reader.packed() + reader.at;
  if (metadataEnd > reader.end) throw reader.damaged('the types are cut off');
  const columnTypes: ColumnType[] = [];
  for (let column = 0; column < count; column++) columnTypes.push(readType(reader, reader.data[types + column]!));
  if (reader.at !== metadataEnd) throw reader.damaged('the types have another length than they say');
  const nullable = reader.bytes((count + 7) >> 3);
  const { columns, ...rest } = reader.left === 0 ? noMetadata : readMetadata(reader, columnTypes, flavour);
  return {
    tableId,
    database,
    name,
    columns: columnTypes.map(({ type, meta }, column): BinlogColumn => {
      const isNullable = ((nullable[column >> 3]! >> (column & 7)) & 1) === 1;
      return { type, meta, nullable: isNullable, ...unknown, ...columns[column] };
    }),
    ...rest,
  };
}

const unknown = { name: null, unsigned: false, collation: null, values: null, detail: null };

function readName(reader: EventReader): string {
  const name = reader.utf8(reader.packed());
  if (reader.uint8() !== 0) throw reader.damagedBefore(1, 'a name has no end');
  return name;
}

function readType(reader: EventReader, type: number): ColumnType {
  if (oneByte.has(type)) return { type, meta: reader.uint8() };
  if (twoBytes.has(type)) return { type, meta: reader.uint16() };
  if (type !== TYPED_ARRAY) return { type, meta: 0 };
  // The type of the elements, then its own metadata.
  const element = readType(reader, reader.uint8());
  return { type, meta: element.type };
}
