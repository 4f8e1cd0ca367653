import type { Column, ErrorCode, KeyRange, Table } from '@weir/sdk';
import type { Finding } from './finding.ts';
import type { Layout } from './layout.ts';
import type { QualifiedName, Quoting } from './quoting.ts';
import type { CellEncoder } from './row-loader.ts';
import type { Doing, SqlTransaction } from './sql-transaction.ts';
import type { Stage } from './stage.ts';
import type { TableOptions } from './table-options.ts';

/** How a column lies in a server. @typeParam E which encoder its cells need */
export interface ColumnType<E = unknown> {
  /** As DDL has it, and as the catalog prints it: see `TargetColumn.type`. */
  readonly sql: string;
  readonly encoding: E;
  /** Why it cannot be in a key: equal values have to be equal there, and in the order of `keyOrder`. */
  readonly noKey?: string;
  /** What is different or lost, for a person. */
  readonly note?: string;
}

/** What one family of servers has different from the others. @typeParam E see {@link ColumnType} */
export interface Dialect<E = unknown> extends Quoting {
  readonly codes: {
    /** A value that its column cannot hold as it is. */
    readonly value: ErrorCode;
    /** Somebody else changed the target. */
    readonly diverged: ErrorCode;
    /** The target is there and is not Weir's. */
    readonly tableExists: ErrorCode;
  };
  /** The most columns of a table, Weir's own included. */
  readonly maxColumns: number;
  /** A time in µs since 1970 as a text that the server reads as a moment. */
  timestampText(time: number): string;
  /** The end of an INSERT that changes columns of the row which is there. @param key the columns of the primary key */
  upsert(key: readonly string[], columns: readonly string[]): string;

  /** @param key the names of the columns that make up the key at the sink */
  columnType(table: Table, column: Column, key: readonly string[]): ColumnType<E>;
  columnEncoder(encoding: E, table: Table, index: number): CellEncoder;
  /** What is wrong with a table as it comes from the source, beside what is wrong anywhere: its names, above all. */
  shapeFindings(table: Table, target: QualifiedName, options: TableOptions): Finding[];
  /** How a person gives a column of a target another type, by name and type. */
  retype(target: QualifiedName, column: { readonly name: string; readonly generated: boolean }, sql: string): string;
  /** How a person lets a column of a target be NULL. */
  nullable(target: QualifiedName, name: string): string;

  /** The condition for rows of a range of keys, of the target as `t`. */
  rangeSql(layout: Layout<E>, range: KeyRange): string;
  /** Deletes rows of the target. @param where of the target as `t` */
  deleteSql(layout: Layout<E>, where: string): string;
  /** Deletes all rows of the target, within the transaction. */
  empty(transaction: SqlTransaction, layout: Layout<E>, at: Doing): Promise<void>;
  /** @param number tells the session's stages apart */
  stage(transaction: SqlTransaction, layout: Layout<E>, number: number): Stage;
}
