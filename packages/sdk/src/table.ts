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
  /**
   * Indexes into `columns` of the key, in key order. Empty when the table has none: then updates and deletes bring the whole
   * old row, and change one row that is the same in every column.
   */
  readonly key: readonly number[];
  /** The source sends only what is inserted, since it cannot tell which row an update changes. A mirror would be wrong. */
  readonly insertsOnly?: boolean;
}

/** `namespace.name`, for maps, messages and metrics; not quoted. */
export function tableName(table: { readonly namespace: string; readonly name: string }): string {
  return `${table.namespace}.${table.name}`;
}

/** A change of a table's shape, to be applied before the rows of its batch. `table` is the shape behind the change. */
export type SchemaChange = { readonly table: Table } & (
  | {
      /** Starts the table empty: it is made where it is missing, and rebuilt where an earlier copy left one. */
      readonly change: 'create';
      /** `first` (or absent): the pipeline's first copy. `new`: the table appeared later. `again`: it is copied once more. */
      readonly reason?: 'first' | 'new' | 'again';
    }
  | {
      readonly change: 'add';
      readonly column: string;
      /** The canonical cell that the rows that are there already have in it; null for NULL. */
      readonly value: string | Uint8Array | null;
    }
  /** The column is in the shape no more. A sink keeps it, with NULL in rows to come. */
  | { readonly change: 'drop'; readonly column: string }
  /** `column` was called `from`; its values stay. */
  | { readonly change: 'rename'; readonly column: string; readonly from: string }
  /** The column's type changed and its values kept their canonical cells. */
  | { readonly change: 'widen'; readonly column: string }
  /** The key has other columns, or there is one where there was none, or none where there was one. */
  | { readonly change: 'key' }
  | { readonly change: 'drop-table' }
);

/** `create`, `add`, `drop`, `rename`, `widen`, `key` or `drop-table`. */
export type SchemaChangeKind = SchemaChange['change'];
