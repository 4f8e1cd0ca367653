import type { LogicalType } from '@weir/sdk';
import type { ZeroDates } from './calendar.ts';
import type { BinlogColumn, CellDecoder } from './cell-decoder.ts';
import type { SourceType } from './source-type.ts';

/** What the server's catalog and the configuration say of a column. */
export interface CellOptions {
  /**
   * COLUMN_TYPE of information_schema.COLUMNS, or `json` for a LONGTEXT of MariaDB that a CHECK keeps JSON; null where not known. It tells
   * apart what looks the same in the log: UUID, INET4, INET6 and VECTOR of MariaDB, JSON as text, YEAR(2).
   */
  readonly sourceType: string | null;
  /** CHARACTER_SET_NAME of information_schema.COLUMNS, for a server that does not say collations in the log; null where there is none. */
  readonly characterSet: string | null;
  /** Labels of an enum or a set, for a server that does not say them in the log; null where not known for this version of the table. */
  readonly labels: readonly string[] | null;
  readonly zeroDates: ZeroDates;
}

/** What the values of a column in the log become. */
export interface ColumnCells {
  readonly type: LogicalType;
  readonly decoder: CellDecoder;
  /** Whether values that are not NULL in the table can become it. */
  readonly mayBecomeNull: boolean;
}

/** A column with what is needed to choose its decoder. */
export interface DescribedColumn {
  /** How errors call it. */
  readonly label: string;
  readonly column: BinlogColumn;
  readonly as: CellOptions;
  readonly source: SourceType | null;
  /** The real type, and the size of one that comes as STRING. */
  readonly type: number;
  readonly size: number;
}
