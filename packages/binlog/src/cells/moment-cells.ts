import { DateCell, DatetimeCell, TimestampCell } from './calendar-cells.ts';
import type { CellDecoder } from './cell-decoder.ts';
import { damagedValue, unsupportedColumn } from './damaged-value.ts';
import { MomentCell, type MomentFormat } from './datetime-cell.ts';
import type { ColumnCells, DescribedColumn } from './described-column.ts';
import { dateFormat, datetimeFormat, oldDatetimeFormat, oldTimestampFormat, timestampFormat } from './moment-formats.ts';
import { MysqlType } from './mysql-type.ts';
import { OldTimeCell, TimeCell } from './time-cell.ts';

/** The cells of a date or time; null for other types. */
export function momentCells(described: DescribedColumn): ColumnCells | null {
  const { label, type } = described;
  if (type === MysqlType.time2) {
    return { type: { kind: 'interval' }, decoder: new TimeCell(label, digitsOf(described)), mayBecomeNull: false };
  }
  if (type === MysqlType.time) {
    refuseOldFraction(described);
    return { type: { kind: 'interval' }, decoder: new OldTimeCell(label), mayBecomeNull: false };
  }
  const format = formatOf(described);
  if (format === null) return null;
  const { zeroDates } = described.as;
  const cell = new MomentCell(label, format, zeroDates);
  return {
    type: { kind: zeroDates === 'text' ? 'string' : format.prints },
    decoder: zeroDates === 'text' ? cell : (calendarCell(described, cell) ?? cell),
    mayBecomeNull: zeroDates === 'null',
  };
}

/** A faster decoder for days of the calendar, in formats that have one. */
function calendarCell({ label, type, column }: DescribedColumn, others: MomentCell): CellDecoder | null {
  switch (type) {
    case MysqlType.date:
    case MysqlType.newDate:
      return new DateCell(label, others);
    case MysqlType.datetime2:
      return new DatetimeCell(label, column.meta, others);
    case MysqlType.timestamp2:
      return new TimestampCell(label, column.meta, others);
    default:
      return null;
  }
}

function formatOf(described: DescribedColumn): MomentFormat | null {
  switch (described.type) {
    case MysqlType.date:
    case MysqlType.newDate:
      return dateFormat;
    case MysqlType.datetime:
      refuseOldFraction(described);
      return oldDatetimeFormat;
    case MysqlType.datetime2:
      return datetimeFormat(digitsOf(described));
    case MysqlType.timestamp:
      refuseOldFraction(described);
      return oldTimestampFormat;
    case MysqlType.timestamp2:
      return timestampFormat(digitsOf(described));
    default:
      return null;
  }
}

function digitsOf({ label, column }: DescribedColumn): number {
  if (column.meta > 6) throw damagedValue(label, 'a fraction of a second has at most six digits');
  return column.meta;
}

/** The log does not say how many digits of a fraction MariaDB's own format has, so that its values have no known length. */
function refuseOldFraction({ label, source }: DescribedColumn): void {
  if ((source?.numbers[0] ?? 0) === 0) return;
  throw unsupportedColumn(
    label,
    'it has a fraction of a second in the format of MariaDB 5.3',
    'SET GLOBAL mysql56_temporal_format = ON; then ALTER TABLE … FORCE;',
  );
}
