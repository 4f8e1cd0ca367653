import { Spill, type LogicalType } from '@weir/sdk';
import { BytesCell, FixedBytesCell } from './bytes-cell.ts';
import type { CellDecoder } from './cell-decoder.ts';
import type { Charset } from './charset/charset.ts';
import { charsetByName } from './charset/charsets.ts';
import { charsetOfCollation } from './charset/collation.ts';
import { CompressedCell } from './compressed-cell.ts';
import { damagedValue, unsupportedColumn } from './damaged-value.ts';
import type { ColumnCells, DescribedColumn } from './described-column.ts';
import { JsonCell } from './json-cell.ts';
import { EnumCell, SetCell } from './label-cell.ts';
import { MysqlType } from './mysql-type.ts';
import { FixedTypeCell } from './network-cell.ts';
import { TextCell } from './text-cell.ts';
import { VectorCell } from './vector-cell.ts';

const METADATA_FIX = 'SET GLOBAL binlog_row_metadata = FULL; then write the table anew, or copy it again.';
const FLOAT32: LogicalType = { kind: 'float', bits: 32 };

const cells = (type: LogicalType, decoder: CellDecoder): ColumnCells => ({ type, decoder, mayBecomeNull: false });

/** The cells of text, bytes, documents, enums and sets; null for other types. */
export function stringCells(described: DescribedColumn): ColumnCells | null {
  const { label, column, type, size } = described;
  switch (type) {
    case MysqlType.string:
      return fixedCells(described) ?? charCells(described);
    case MysqlType.varchar:
    case MysqlType.varString:
      return variableCells(described, column.meta > 255 ? 2 : 1);
    case MysqlType.tinyBlob:
    case MysqlType.blob:
    case MysqlType.mediumBlob:
    case MysqlType.longBlob:
      return variableCells(described, prefixOf(described));
    case MysqlType.compressedVarchar:
      return compressedCells(described, column.meta > 255 ? 2 : 1);
    case MysqlType.compressedBlob:
      return compressedCells(described, prefixOf(described));
    case MysqlType.json:
      return cells({ kind: 'json' }, new JsonCell(label, prefixOf(described)));
    case MysqlType.geometry:
      return cells({ kind: 'bytes' }, new BytesCell(label, prefixOf(described)));
    case MysqlType.vector:
      return cells({ kind: 'array', of: FLOAT32 }, new VectorCell(label, prefixOf(described)));
    case MysqlType.enum:
      if (size !== 1 && size !== 2) throw damagedValue(label, 'the metadata of an enum is damaged');
      return cells({ kind: 'enum' }, new EnumCell(label, size, labelsOf(described)));
    case MysqlType.set:
      if (size < 1 || size > 8) throw damagedValue(label, 'the metadata of a set is damaged');
      return cells({ kind: 'string' }, new SetCell(label, size, labelsOf(described)));
    default:
      return null;
  }
}

function prefixOf({ label, column }: DescribedColumn): number {
  if (column.meta < 1 || column.meta > 4) throw damagedValue(label, 'the metadata of a column of variable length is damaged');
  return column.meta;
}

/** MariaDB's types of fixed size. */
function fixedCells({ label, source }: DescribedColumn): ColumnCells | null {
  const name = source?.name;
  if (name === 'uuid') return cells({ kind: 'uuid' }, new FixedTypeCell(label, name));
  return name === 'inet4' || name === 'inet6' ? cells({ kind: 'other' }, new FixedTypeCell(label, name)) : null;
}

function charCells(described: DescribedColumn): ColumnCells {
  const { label, size } = described;
  const charset = charsetOf(described);
  if (charset === null) return cells({ kind: 'bytes' }, new FixedBytesCell(label, size));
  return textCells(described, size > 255 ? 2 : 1, charset);
}

function variableCells(described: DescribedColumn, prefix: number): ColumnCells {
  const { label, source } = described;
  if (source?.name === 'vector') return cells({ kind: 'array', of: FLOAT32 }, new VectorCell(label, prefix));
  const charset = charsetOf(described);
  return charset === null ? cells({ kind: 'bytes' }, new BytesCell(label, prefix)) : textCells(described, prefix, charset);
}

function textCells({ label, source }: DescribedColumn, prefix: number, charset: Charset): ColumnCells {
  const decoder = charset.isUtf8 ? new BytesCell(label, prefix) : new TextCell(label, prefix, charset);
  return cells({ kind: source?.name === 'json' ? 'json' : 'string' }, decoder);
}

function compressedCells(described: DescribedColumn, prefix: number): ColumnCells {
  const charset = charsetOf(described);
  return cells({ kind: charset === null ? 'bytes' : 'string' }, new CompressedCell(described.label, prefix, charset));
}

/** The character set of a column; null for bytes. */
function charsetOf({ label, column, as, source }: DescribedColumn): Charset | null {
  const ofCollation = column.collation === null ? null : charsetOfCollation(column.collation);
  const binary = source !== null && /blob$|binary$/.test(source.name);
  const name = ofCollation ?? as.characterSet ?? (binary ? 'binary' : null);
  if (name === null) throw unsupportedColumn(label, 'its character set is not known', METADATA_FIX);
  if (name === 'binary') return null;
  const charset = charsetByName(name);
  if (charset === null) {
    throw unsupportedColumn(label, `its character set ${name} is not known`, 'ALTER TABLE … CONVERT TO CHARACTER SET utf8mb4;');
  }
  return charset;
}

/** The labels of an enum or a set in UTF-8. */
function labelsOf(described: DescribedColumn): Uint8Array[] {
  const { label, column, as } = described;
  if (column.values === null) {
    if (as.labels !== null) return as.labels.map((text) => new Uint8Array(Buffer.from(text)));
    throw unsupportedColumn(label, 'its labels are not in the log', METADATA_FIX);
  }
  const charset = charsetOf(described);
  return charset === null ? [...column.values] : column.values.map((value) => inUtf8(value, charset));
}

function inUtf8(value: Uint8Array, charset: Charset): Uint8Array {
  const spill = new Spill();
  charset.write(value, 0, value.length, spill);
  return spill.data.slice(0, spill.length);
}
