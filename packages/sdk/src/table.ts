import type { LogicalType } from './logical-type.ts';

/** A column of one version of a table. */
export interface Column {
  readonly name: string;
  readonly type: LogicalType;
  readonly nullable: boolean;
  /** The source's own name of the type, for example `character varying(40)`. */
  readonly sourceType: string;
}

/** One schema version of a table. Equal identity means equal version: compare tables with `===` inside a session. */
export interface Table {
  readonly namespace: string;
  readonly name: string;
  /** Counts from 1 within a session; a schema change makes the next one. */
  readonly version: number;
  readonly columns: readonly Column[];
  /** Indexes into `columns` of the key, in key order; empty when the table has none. */
  readonly key: readonly number[];
}

/** `namespace.name`, for maps, messages and metrics; not quoted. */
export function tableName(table: { readonly namespace: string; readonly name: string }): string {
  return `${table.namespace}.${table.name}`;
}

/**
 * A change of a table's shape, to be applied before the rows of its batch.
 * `create` starts the table empty: it is made where it is missing, and rebuilt where an earlier copy left one.
 */
export interface SchemaChange {
  readonly table: Table;
  readonly change: 'create' | 'add' | 'drop' | 'widen' | 'key' | 'rename' | 'drop-table';
  /** The column that changed, where the change is about one. */
  readonly column?: string;
}
