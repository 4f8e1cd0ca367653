import type { RowJudge, Spill, Table } from '@weir/sdk';
import type { Relation } from './relation.ts';

/** How the server's text of a column becomes the canonical cell. Called once for each cell that holds text. */
export type CellRewrite =
  | {
      readonly place: 'slab';
      /** Rewrites the `length` bytes from `start`, touching no others; returns the new length, at most `length`. */
      rewrite(data: Uint8Array, start: number, length: number): number;
    }
  | {
      readonly place: 'spill';
      /** Appends the cell to `spill`, of any length; leaves `data` as it is. */
      rewrite(data: Uint8Array, start: number, length: number, spill: Spill): void;
    };

/** What the rows of a relation become. */
export interface TableBinding {
  readonly table: Table;
  /** One for each column; null where the server's text is the canonical cell. */
  readonly rewrites: readonly (CellRewrite | null)[];
  /** May be set at any time: while it is true rows are left out and counted by `BatchWriter.skip` (invariant 7). */
  skip: boolean;
  /** May be set at any time; null or absent: every row is kept. */
  judge?: RowJudge | null;
}

/** A relation with its binding, as the decoder keeps it between two announcements. */
export interface BoundRelation {
  readonly oid: number;
  readonly relation: Relation;
  /** 1 for each column of the replica identity, 0 for the others. */
  readonly identity: Uint8Array;
  /** Null: rows are left out, uncounted. */
  readonly binding: TableBinding | null;
  /** The binding's; empty without one. */
  readonly rewrites: readonly (CellRewrite | null)[];
}

export function bindRelation(relation: Relation, binding: TableBinding | null): BoundRelation {
  const identity = Uint8Array.from(relation.columns, (column) => (column.isKey ? 1 : 0));
  return { oid: relation.oid, relation, identity, binding, rewrites: binding?.rewrites ?? [] };
}

/** Whether a binding has a column and a rewrite for each cell of the relation's rows. */
export function bindingFits(relation: Relation, binding: TableBinding | null): boolean {
  if (binding === null) return true;
  const { length } = relation.columns;
  return binding.table.columns.length === length && binding.rewrites.length === length;
}
