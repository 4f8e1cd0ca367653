import type { LogicalType } from '@weir/sdk';
import { BitCell } from './bit-cell.ts';
import type { BinlogColumn, CellDecoder } from './cell-decoder.ts';
import { damagedValue, unsupportedColumn } from './damaged-value.ts';
import { DecimalCell, isDecimal } from './decimal-cell.ts';
import type { CellOptions, ColumnCells, DescribedColumn } from './described-column.ts';
import { FloatCell } from './float-cell.ts';
import { BigintCell, IntegerCell, YearCell, integerType, type IntegerBytes } from './integer-cell.ts';
import { momentCells } from './moment-cells.ts';
import { MysqlType, realType } from './mysql-type.ts';
import { parseSourceType } from './source-type.ts';
import { stringCells } from './string-cells.ts';

/**
 * Chooses type and decoder of a column.
 * @throws WeirError WEIR_BINLOG_UNSUPPORTED where its values cannot be read, WEIR_BINLOG_DAMAGED for metadata that no type has
 */
export function cellDecoder(column: BinlogColumn, as: CellOptions): ColumnCells {
  const described: DescribedColumn = {
    label: column.name === null ? 'a column' : `column "${column.name}"`,
    column,
    as,
    source: as.sourceType === null ? null : parseSourceType(as.sourceType),
    ...realType(column.type, column.meta),
  };
  const cells = numberCells(described) ?? momentCells(described) ?? stringCells(described);
  if (cells === null) {
    throw unsupportedColumn(described.label, `its type is number ${described.type}, which is not known`, 'Leave the column out, or change its type.');
  }
  return cells;
}

const INTEGERS: Readonly<Record<number, IntegerBytes>> = {
  [MysqlType.tiny]: 1,
  [MysqlType.short]: 2,
  [MysqlType.int24]: 3,
  [MysqlType.long]: 4,
  [MysqlType.longlong]: 8,
};

function numberCells({ label, column, type, source }: DescribedColumn): ColumnCells | null {
  const cells = (of: LogicalType, decoder: CellDecoder): ColumnCells => ({ type: of, decoder, mayBecomeNull: false });
  const bytes = INTEGERS[type];
  if (bytes !== undefined) {
    const decoder = bytes === 8 ? new BigintCell(label, column.unsigned) : new IntegerCell(label, bytes, column.unsigned);
    return cells(integerType(bytes, column.unsigned), decoder);
  }
  const first = column.meta & 0xff;
  const second = column.meta >> 8;
  switch (type) {
    case MysqlType.year:
      return cells({ kind: 'uint', bits: 16 }, new YearCell(label, source?.numbers[0] === 2));
    case MysqlType.float:
      return cells({ kind: 'float', bits: 32 }, new FloatCell(label, 4));
    case MysqlType.double:
      return cells({ kind: 'float', bits: 64 }, new FloatCell(label, 8));
    case MysqlType.bit: {
      const bits = second * 8 + first;
      if (first > 7 || bits < 1 || bits > 64) throw damagedValue(label, 'the metadata of a bit column is damaged');
      return cells({ kind: 'other' }, new BitCell(label, bits));
    }
    case MysqlType.newDecimal:
      if (!isDecimal(first, second)) throw damagedValue(label, 'the metadata of a decimal column is damaged');
      return cells({ kind: 'decimal', precision: first, scale: second }, new DecimalCell(label, first, second));
    default:
      return null;
  }
}
