import type { RowJudge, Table } from '@weir/sdk';
import { MysqlType } from './cells/mysql-type.ts';
import type { CellDecoder } from './cells/cell-decoder.ts';
import { ImageWriter } from './image-code.ts';
import type { TableMap } from './table-map.ts';
import { UNKNOWN_WIDTH, valueWidth } from './value-width.ts';

/** What the rows of a table become. */
export interface TableBinding {
  /** Its columns are those with a decoder, in the order of the log. */
  readonly table: Table;
  /** One for each column of the TABLE_MAP; null: not captured, passed over. */
  readonly decoders: readonly (CellDecoder | null)[];
  /** May be set at any time: while it is true rows are left out and counted by `BatchWriter.skip` (invariant 7). */
  skip: boolean;
  /** May be set at any time; null or absent: every row is kept. */
  judge?: RowJudge | null;
}

/** A table with its binding, as the decoder keeps it from one announcement to the next. */
export interface BoundTable {
  readonly map: TableMap;
  /** Null: rows are left out, uncounted. */
  readonly binding: TableBinding | null;
  /** The binding's; empty without one. */
  readonly decoders: readonly (CellDecoder | null)[];
  /** Writes images that have all columns, as most do; null where there is none. */
  readonly whole: ImageWriter | null;
  /** How values of each column are passed over. */
  readonly widths: Int16Array;
  /** Columns of the log that have a decoder. */
  readonly captured: readonly number[];
  /** Every width is known, so rows can be passed over one by one. */
  readonly passable: boolean;
  /** Columns of the log that a before image must have: the table's key, all that are captured where it has none. */
  readonly identity: readonly number[];
  /** JSON columns, which can be written as differences. */
  readonly json: readonly number[];
}

export function bindTable(map: TableMap, binding: TableBinding | null): BoundTable {
  const widths = Int16Array.from(map.columns, ({ type, meta }) => valueWidth(type, meta));
  const decoders = binding?.decoders ?? [];
  const captured = [...decoders.keys()].filter((column) => decoders[column] !== null);
  return {
    map,
    binding,
    decoders,
    whole: ImageWriter.for(decoders, widths),
    widths,
    passable: !widths.includes(UNKNOWN_WIDTH),
    captured,
    identity: (binding?.table.key.length ?? 0) === 0 ? captured : binding!.table.key.map((column) => captured[column]!),
    json: [...map.columns.keys()].filter((column) => map.columns[column]!.type === MysqlType.json),
  };
}

/** Whether a binding has a decoder or null for each column of the log, and a column of the table for each decoder. */
export function bindingFits(map: TableMap, binding: TableBinding | null): boolean {
  if (binding === null) return true;
  const { decoders, table } = binding;
  return decoders.length === map.columns.length && decoders.filter((each) => each !== null).length === table.columns.length;
}
