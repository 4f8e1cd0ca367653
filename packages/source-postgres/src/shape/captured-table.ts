import { formatLsn, parseLsn, type TableBinding } from '@weir/pgoutput';
import type { PgType } from '@weir/postgres';
import type { Table, TableName } from '@weir/sdk';
import type { ChunkState, CopyReason, TableState } from '../position.ts';
import { readShape, shapeState } from './shape-state.ts';
import type { ShapedTable } from './shape-steps.ts';
import { bareShape, rewritesOf, tableOf, type TableShape } from './table-shape.ts';

/** A table of the pipeline, at the place where the stream is. Another object for everything that changes. */
export interface CapturedTable extends TableName {
  readonly oid: number;
  /** See `TableState`. */
  readonly member: number;
  readonly reason: CopyReason;
  /** See `TableState`; null as long as its copy has not begun. */
  readonly copiedAt: bigint | null;
  /** How far its copy by key is; null when it is, or was, copied in one snapshot. */
  readonly chunks: ChunkState | null;
  /** Null as long as its copy has not begun. */
  readonly shaped: (ShapedTable & { readonly binding: TableBinding }) | null;
}

/** A table whose rows have a shape from here on. */
export function shapedTable(
  table: Table,
  shape: TableShape,
  types: ReadonlyMap<number, PgType>,
): NonNullable<CapturedTable['shaped']> {
  return { table, shape: bareShape(shape), binding: { table, rewrites: rewritesOf(shape.columns, types), skip: false } };
}

/** @param version of the table in this session */
export function readCaptured(state: TableState, types: ReadonlyMap<number, PgType>, version: number): CapturedTable {
  const { namespace, name, oid, member, reason } = state;
  const bare = { namespace, name, oid, member, reason };
  if (state.copiedAt === null || state.shape === null) return { ...bare, copiedAt: null, chunks: null, shaped: null };
  const shape = readShape(state.shape);
  const shaped = shapedTable(tableOf(state, shape, types, version), shape, types);
  return { ...bare, copiedAt: parseLsn(state.copiedAt), chunks: state.chunks ?? null, shaped };
}

export function capturedState(captured: CapturedTable): TableState {
  const { namespace, name, oid, member, reason, copiedAt, chunks, shaped } = captured;
  return {
    namespace,
    name,
    oid,
    member,
    copiedAt: copiedAt === null ? null : formatLsn(copiedAt),
    reason,
    shape: shaped === null ? null : shapeState(shaped.shape),
    ...(chunks === null ? {} : { chunks }),
  };
}

/** The types of somebody's own that columns have, with those below them. */
export function ownTypes(tables: Iterable<CapturedTable>, types: ReadonlyMap<number, PgType>): PgType[] {
  const found = new Map<number, PgType>();
  const visit = (oid: number): void => {
    const type = types.get(oid);
    if (type === undefined || type.builtIn || found.has(oid)) return;
    found.set(oid, type);
    for (const below of [type.baseOid, type.elementOid]) if (below !== 0) visit(below);
  };
  for (const { shaped } of tables) for (const { typeOid } of shaped?.shape.columns ?? []) visit(typeOid);
  return [...found.values()].toSorted((a, b) => a.oid - b.oid);
}
