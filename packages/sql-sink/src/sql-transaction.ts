import type { Table } from '@weir/sdk';
import type { RowLoader } from './row-loader.ts';

/** What a statement was for: what an error about it may say. */
export interface Doing {
  /** `merging into public.orders` */
  readonly doing: string;
  /** The source's table that it is about; such an error stops only that table where `on_error` says so. */
  readonly table?: Pick<Table, 'namespace' | 'name'> | undefined;
  /** The columns of a load by the names that the server knows them by, with the source's column and its type at the sink. */
  readonly columns?: readonly NamedColumn[] | undefined;
  /** Finds the column whose text is not UTF-8, for a server that says only that there is one. */
  readonly findNotUtf8?: (() => string | null) | undefined;
  /** Name of the index on the table's key: a duplicate there means that somebody else wrote. */
  readonly keyIndex?: string | null | undefined;
}

export interface NamedColumn {
  readonly name: string;
  readonly column: string;
  readonly sqlType: string;
}

export type Cell = string | null;

/** What a statement answered, as text. */
export interface Answer {
  readonly rows: readonly (readonly Cell[])[];
  /** Rows found or changed. */
  readonly count: number;
}

/** Runs a statement within the transaction that is open. */
export type Ask = (sql: string) => Promise<Answer>;

/** A session's connection and the transaction that is open on it. What fails throws a WeirError, without values of rows. */
export interface SqlTransaction {
  readonly isOpen: boolean;
  run(sql: string, at: Doing): Promise<Answer>;
  /**
   * Writes rows into a table.
   * @param table its name in SQL
   * @param columns their names in SQL, with commas between
   * @param fill adds the rows
   */
  load(table: string, columns: string, at: Doing, fill: (rows: RowLoader) => Promise<void>): Promise<void>;
  /** Ends the connection, and with it the open transaction, undone. */
  end(): Promise<void>;
}
