import type { CellRewrite, Relation } from '@weir/pgoutput';
import { mapType, type PgType } from '@weir/postgres';
import type { Table } from '@weir/sdk';

/** A column of a table's shape. */
export interface ShapeColumn {
  /** `pg_attribute.attnum`: stays when the column is renamed, and is never given again. */
  readonly attnum: number;
  readonly name: string;
  readonly typeOid: number;
  readonly modifier: number;
  readonly nullable: boolean;
  /** As `format_type` gives it. */
  readonly sourceType: string;
  /** `xmin` of its row in pg_attribute: another one when anything about the column was altered. */
  readonly altered: string;
}

/** A table below a partitioned one. */
export interface Partition {
  readonly oid: number;
  /** `pg_class.relfilenode`; 0 when it is partitioned itself. */
  readonly fileNode: number;
  /** `xmin` of its row in pg_inherits: another one when it was detached and attached again. */
  readonly attached: string;
}

/**
 * What rows of a table looked like at a place of the log, and what tells whether rows that were there changed since without
 * an event: a table's file node changes when it is rewritten, and the rows of a column in the catalog when it is altered.
 */
export interface TableShape {
  /** The captured columns, in the order of the stream, which is that of `attnum`. */
  readonly columns: readonly ShapeColumn[];
  /** `attnum`s of the key, in key order. */
  readonly key: readonly number[];
  /** Oid of the primary key's index; 0 without one. */
  readonly keyIndex: number;
  readonly identity: Relation['replicaIdentity'];
  readonly insertsOnly: boolean;
  readonly fileNode: number;
  /** Everything below a partitioned table, by oid. */
  readonly partitions: readonly Partition[];
  /**
   * What types of somebody's own consist of, as far as columns have them: the label of each enum value, the types in each
   * composite type. Values that are there look different when one of these changes.
   */
  readonly contents: Readonly<Record<string, string>>;
}

/** A shape as the catalog has it now, with what only the catalog knows. */
export interface CatalogShape extends TableShape {
  /** The highest `attnum` that was ever given. */
  readonly highest: number;
  /** Columns that were dropped, with the `xmin` of their rows in pg_attribute: which transaction did that. */
  readonly dropped: ReadonlyMap<number, string>;
  /** Columns that were added with a constant default, which rows from before show: `attmissingval` by `attnum`. */
  readonly missing: ReadonlyMap<number, string>;
  /** Oids of partitions that have been partitions since they were made, and have not been rewritten or truncated. */
  readonly born: ReadonlySet<number>;
}

/** A shape without what else is known of it. */
export function bareShape(shape: TableShape): TableShape {
  const { columns, key, keyIndex, identity, insertsOnly, fileNode, partitions, contents } = shape;
  return { columns, key, keyIndex, identity, insertsOnly, fileNode, partitions, contents };
}

/**
 * Under FULL the stream does not announce the key. That it was the same all the time is only sure when its index is still
 * the same: a key that was dropped and made again may have been none in between, with rows that are there twice.
 */
export function keyIsUnsure(old: TableShape, now: TableShape): boolean {
  return old.identity === 'f' && old.keyIndex !== now.keyIndex;
}

/** @param types see `readTypes` */
export function tableOf(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  shape: Pick<TableShape, 'columns' | 'key' | 'insertsOnly'>,
  types: ReadonlyMap<number, PgType>,
  version: number,
): Table {
  const key = shape.key.map((attnum) => shape.columns.findIndex((column) => column.attnum === attnum));
  return {
    namespace,
    name,
    version,
    columns: shape.columns.map((column) => ({
      name: column.name,
      type: mapType(types, column.typeOid, column.modifier).type,
      nullable: column.nullable,
      sourceType: column.sourceType,
    })),
    // While a key column is on its way in or out, there is none.
    key: key.includes(-1) ? [] : key,
    ...(shape.insertsOnly ? { insertsOnly: true } : {}),
  };
}

export function rewritesOf(
  columns: readonly Pick<ShapeColumn, 'typeOid' | 'modifier'>[],
  types: ReadonlyMap<number, PgType>,
): (CellRewrite | null)[] {
  return columns.map(({ typeOid, modifier }) => mapType(types, typeOid, modifier).rewrite);
}

/** Whether a relation of the stream announces columns, identity and key as a shape has them. */
export function looksLike(shape: TableShape, relation: Relation): boolean {
  if (relation.replicaIdentity !== shape.identity || relation.columns.length !== shape.columns.length) return false;
  return relation.columns.every((column, i) => {
    const known = shape.columns[i]!;
    if (column.name !== known.name || column.typeOid !== known.typeOid) return false;
    if (column.typeModifier !== known.modifier) return false;
    // Under FULL every column is marked, so the key is not announced.
    return shape.insertsOnly || relation.replicaIdentity === 'f' || column.isKey === shape.key.includes(known.attnum);
  });
}
