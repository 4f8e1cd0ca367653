import { Spill } from '@weir/sdk';
import type { BinlogColumn } from './cell-decoder.ts';
import { charsetByName } from './charset/charsets.ts';
import { charsetOfCollation } from './charset/collation.ts';
import { MysqlType, realType } from './mysql-type.ts';

/** A column as the log alone describes it. */
export interface LoggedType {
  /** As COLUMN_TYPE of information_schema.COLUMNS has it, up to what the log does not say. */
  readonly type: string;
  /** CHARACTER_SET_NAME; absent where the column has no characters, or the log does not say which. */
  readonly charset?: string;
}

const numbers: Readonly<Record<number, string>> = {
  [MysqlType.tiny]: 'tinyint',
  [MysqlType.short]: 'smallint',
  [MysqlType.int24]: 'mediumint',
  [MysqlType.long]: 'int',
  [MysqlType.longlong]: 'bigint',
  [MysqlType.float]: 'float',
  [MysqlType.double]: 'double',
};
const plain: Readonly<Record<number, string>> = {
  [MysqlType.year]: 'year',
  [MysqlType.date]: 'date',
  [MysqlType.newDate]: 'date',
  [MysqlType.time]: 'time',
  [MysqlType.datetime]: 'datetime',
  [MysqlType.timestamp]: 'timestamp',
  [MysqlType.json]: 'json',
  [MysqlType.geometry]: 'geometry',
};
const moments: Readonly<Record<number, string>> = {
  [MysqlType.time2]: 'time',
  [MysqlType.datetime2]: 'datetime',
  [MysqlType.timestamp2]: 'timestamp',
};
/** By how many bytes say the length of a value. */
const LARGE = ['', 'tiny', '', 'medium', 'long'];
/** Bytes of a character at most, of the character sets that have more than one. */
const characterBytes: Readonly<Record<string, number>> = {
  utf8mb4: 4,
  utf8mb3: 3,
  utf8: 3,
  utf16: 4,
  utf16le: 4,
  utf32: 4,
  ucs2: 2,
  gb18030: 4,
  eucjpms: 3,
  ujis: 3,
  big5: 2,
  cp932: 2,
  euckr: 2,
  gb2312: 2,
  gbk: 2,
  sjis: 2,
};

/**
 * The type of a column as a TABLE_MAP with full metadata says it, for a version of a table that no catalog has any more. UUID, INET
 * and VECTOR of MariaDB come as bytes, its JSON as text, YEAR(2) as YEAR.
 */
export function loggedType(column: BinlogColumn): LoggedType {
  const { type, size } = realType(column.type, column.meta);
  const unsigned = column.unsigned ? ' unsigned' : '';
  const [first, second] = [column.meta & 0xff, column.meta >> 8];
  if (numbers[type] !== undefined) return { type: `${numbers[type]}${unsigned}` };
  if (plain[type] !== undefined) return { type: plain[type] };
  if (moments[type] !== undefined) return { type: column.meta === 0 ? moments[type] : `${moments[type]}(${column.meta})` };
  switch (type) {
    case MysqlType.newDecimal:
      return { type: `decimal(${first},${second})${unsigned}` };
    case MysqlType.bit:
      return { type: `bit(${second * 8 + first})` };
    case MysqlType.vector:
      return { type: column.detail === null ? 'vector' : `vector(${column.detail})` };
    case MysqlType.enum:
    case MysqlType.set:
      return labelled(column, type === MysqlType.enum ? 'enum' : 'set');
    default:
      return characters(column, type, size);
  }
}

function characters({ meta, collation }: BinlogColumn, type: number, size: number): LoggedType {
  const charset = collation === null ? null : charsetOfCollation(collation);
  const isBinary = charset === null || charset === 'binary';
  const named = isBinary ? {} : { charset };
  switch (type) {
    case MysqlType.string:
      return { type: isBinary ? `binary(${size})` : `char(${length(size, charset)})`, ...named };
    case MysqlType.varchar:
    case MysqlType.varString:
    case MysqlType.compressedVarchar:
      return { type: isBinary ? `varbinary(${meta})` : `varchar(${length(meta, charset)})`, ...named };
    default:
      return { type: `${LARGE[meta] ?? ''}${isBinary ? 'blob' : 'text'}`, ...named };
  }
}

function length(bytes: number, charset: string): number {
  return Math.floor(bytes / (characterBytes[charset] ?? 1));
}

function labelled({ values, collation }: BinlogColumn, kind: 'enum' | 'set'): LoggedType {
  const charset = collation === null ? null : charsetOfCollation(collation);
  const texts = (values ?? []).map((value) => quoted(textOf(value, charset)));
  return { type: `${kind}(${texts.join(',')})`, ...(charset === null ? {} : { charset }) };
}

function textOf(value: Uint8Array, name: string | null): string {
  const charset = name === null ? null : charsetByName(name);
  if (charset === null) return Buffer.from(value).toString();
  const spill = new Spill();
  charset.write(value, 0, value.length, spill);
  return Buffer.from(spill.data.subarray(0, spill.length)).toString();
}

/** As `parseSourceType` reads it. */
function quoted(label: string): string {
  const escaped = label.replaceAll('\\', '\\\\').replaceAll('\0', '\\0').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `'${escaped.replaceAll("'", "''")}'`;
}
