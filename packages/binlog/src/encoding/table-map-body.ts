import type { BinlogColumn } from '../cells/cell-decoder.ts';
import { MysqlType, realType } from '../cells/mysql-type.ts';
import type { TableMap } from '../table-map.ts';
import { ByteBuilder } from './byte-builder.ts';

export interface TableMapOptions {
  /** What the server says beside types: nothing (before 8.0), signs and character sets, or all of it (`binlog_row_metadata`). */
  readonly metadata?: 'none' | 'minimal' | 'full';
  readonly flavour?: 'mysql' | 'mariadb';
  /** Character sets as one list, rather than as the usual one and what differs. */
  readonly listCharsets?: boolean;
}

const oneByte: readonly number[] = [4, 5, 17, 18, 19, 140, 242, 245, 252, 255];
const twoBytes: readonly number[] = [15, 16, 141, 246, 247, 248, 253, 254];
const numbers: readonly number[] = [1, 2, 3, 4, 5, 8, 9, 13, 246];

/** The body of a TABLE_MAP, written from the description of the event, not from the code that reads it. */
export function tableMapBody(map: TableMap, { metadata = 'full', flavour = 'mysql', listCharsets = false }: TableMapOptions = {}): Uint8Array {
  const { columns } = map;
  const body = new ByteBuilder().uint(map.tableId, 6).uint16(1);
  for (const name of [map.database, map.name]) body.packed(Buffer.byteLength(name)).text(name).uint8(0);
  body.packed(columns.length);
  for (const { type } of columns) body.uint8(type);
  const types = new ByteBuilder();
  for (const { type, meta } of columns) {
    if (oneByte.includes(type)) types.uint8(meta & 0xff);
    else if (twoBytes.includes(type)) types.uint16(meta);
  }
  const typeBytes = types.done();
  body.packed(typeBytes.length).bytes(typeBytes).bits(columns.map(({ nullable }) => nullable));
  if (metadata !== 'none') minimalMetadata(body, columns, flavour, listCharsets);
  if (metadata === 'full') fullMetadata(body, map, listCharsets);
  return body.done();
}

function field(body: ByteBuilder, type: number, value: ByteBuilder): void {
  const bytes = value.done();
  if (bytes.length > 0) body.uint8(type).packed(bytes.length).bytes(bytes);
}

function realOf({ type, meta }: BinlogColumn): number {
  return realType(type, meta).type;
}

function minimalMetadata(body: ByteBuilder, columns: readonly BinlogColumn[], flavour: string, list: boolean): void {
  const signed = columns.filter((column) => numbers.includes(realOf(column)));
  field(body, 1, new ByteBuilder().bitsFromHighest(signed.map(({ unsigned }) => unsigned)));
  charsets(body, columns.filter((column) => isText(column, flavour)), list ? 3 : 2);
}

/** Whether a column is among those whose character sets are always sent. */
export function isText(column: BinlogColumn, flavour: string): boolean {
  const real = realOf(column);
  return [15, 140, 141, 252, 253, 254].includes(real) || (flavour === 'mariadb' && real === MysqlType.geometry);
}

function charsets(body: ByteBuilder, columns: readonly BinlogColumn[], type: number): void {
  if (columns.length === 0) return;
  const value = new ByteBuilder();
  const isList = type === 3 || type === 11;
  if (isList) for (const { collation } of columns) value.packed(collation!);
  else {
    const usual = columns[0]!.collation!;
    value.packed(usual);
    for (const [index, { collation }] of columns.entries()) if (collation !== usual) value.packed(index).packed(collation!);
  }
  field(body, type, value);
}

function fullMetadata(body: ByteBuilder, { columns, primaryKey, invisible }: TableMap, list: boolean): void {
  const names = new ByteBuilder();
  for (const { name } of columns) names.packed(Buffer.byteLength(name!)).text(name!);
  field(body, 4, names);
  const labelled = columns.filter((column) => [247, 248].includes(realOf(column)));
  charsets(body, labelled, list ? 11 : 10);
  for (const [type, real] of [[5, MysqlType.set], [6, MysqlType.enum]] as const) {
    const values = new ByteBuilder();
    for (const column of labelled.filter((each) => realOf(each) === real)) {
      values.packed(column.values!.length);
      for (const value of column.values!) values.packed(value.length).bytes(value);
    }
    field(body, type, values);
  }
  for (const [type, real] of [[7, MysqlType.geometry], [13, MysqlType.vector]] as const) {
    const details = new ByteBuilder();
    for (const column of columns) if (realOf(column) === real) details.packed(column.detail!);
    field(body, type, details);
  }
  keyField(body, primaryKey);
  if (invisible !== null) field(body, 12, new ByteBuilder().bitsFromHighest(invisible.map((each) => !each)));
  // Of a later version.
  field(body, 77, new ByteBuilder().uint8(9));
}

function keyField(body: ByteBuilder, primaryKey: TableMap['primaryKey']): void {
  const key = new ByteBuilder();
  const hasPrefix = primaryKey?.some(({ prefix }) => prefix > 0) ?? false;
  for (const { column, prefix } of primaryKey ?? []) {
    key.packed(column);
    if (hasPrefix) key.packed(prefix);
  }
  field(body, hasPrefix ? 9 : 8, key);
}
