import type { Relation } from '@weir/pgoutput';
import type { PgType } from '@weir/postgres';
import { WeirError, tableName } from '@weir/sdk';
import { quoteTable } from '../capture/catalog.ts';
import { placeColumns, type When } from './place-columns.ts';
import { rewriteReason } from './shape-difference.ts';
import type { CatalogShape, ShapeColumn, TableShape } from './table-shape.ts';
import { mayShareStorage } from './type-storage.ts';

/** What is known of a table when the stream announces it in a form that is not the known one. */
export interface Circumstances {
  readonly types: ReadonlyMap<number, PgType>;
  /** As the catalog has it now, which may be later than the stream; null when it has the table no more. */
  readonly now: CatalogShape | null;
  /** As the catalog had it when the stream was surely no further; null when that is not known. */
  readonly earlier: CatalogShape | null;
  /** Low 32 bits of the id of the transaction in which it is announced; null when that is not known. */
  readonly transactionId: number | null;
}

/**
 * The shape of a relation that the stream announces, or why its table has to be copied again.
 * @throws WeirError WEIR_PG_REPLICA_IDENTITY when the table has lost its key for good
 */
export function announcedShape(
  old: TableShape,
  relation: Relation,
  circumstances: Circumstances,
): { readonly shape: TableShape } | { readonly again: string } {
  const { now, types } = circumstances;
  if (now === null) return { again: 'it was altered, and is not there any more' };
  const rewritten = rewriteReason(old, now);
  if (rewritten !== null) return { again: rewritten };
  const placed = placeAnnounced(old, relation, circumstances);
  if (placed === null) return { again: 'its columns cannot be told apart: some were dropped, and others added' };
  const columns = placed.map((attnum, i) => announcedColumn(relation.columns[i]!, attnum, old, now, types));
  const key = announcedKey(old, relation, columns, now);
  const { insertsOnly } = old;
  const { keyIndex, fileNode, partitions, contents } = now;
  const identity = relation.replicaIdentity;
  return { shape: { columns, key, keyIndex, identity, insertsOnly, fileNode, partitions, contents } };
}

function placeAnnounced(old: TableShape, relation: Relation, circumstances: Circumstances): number[] | null {
  const { types, earlier, transactionId } = circumstances;
  const now = circumstances.now!;
  const when = (id: string): When => {
    if (transactionId === null) return 'after';
    // Ids go round after 2^32.
    const distance = (Number(id) - transactionId) | 0;
    return distance < 0 ? 'before' : distance === 0 ? 'within' : 'after';
  };
  const known = {
    old: new Map(old.columns.map(({ attnum, name }) => [attnum, name])),
    now: new Map(now.columns.map(({ attnum, name, altered }) => [attnum, { name, altered: when(altered) }])),
    dropped: new Map(Array.from(now.dropped, ([attnum, id]) => [attnum, when(id)])),
    earlier:
      earlier === null
        ? null
        : { has: new Set(earlier.columns.map(({ attnum }) => attnum)), highest: earlier.highest },
  };
  // Where nothing was rewritten, a column has kept its type or has one that is stored alike.
  const stored = old.fileNode === now.fileNode ? [...old.columns, ...now.columns] : [];
  const names = relation.columns.map(({ name }) => name);
  return placeColumns(known, names, (index, attnum) => {
    const { typeOid, typeModifier } = relation.columns[index]!;
    return stored
      .filter((column) => column.attnum === attnum)
      .every((column) => mayShareStorage(column, { typeOid, modifier: typeModifier }, types));
  });
}

function announcedColumn(
  { name, typeOid, typeModifier: modifier }: Relation['columns'][number],
  attnum: number,
  old: TableShape,
  now: CatalogShape,
  types: ReadonlyMap<number, PgType>,
): ShapeColumn {
  const current = now.columns.find((column) => column.attnum === attnum);
  const before = old.columns.find((column) => column.attnum === attnum);
  const same = [current, before].find((column) => column?.typeOid === typeOid && column.modifier === modifier);
  const known = same ?? current ?? before;
  return {
    attnum,
    name,
    typeOid,
    modifier,
    nullable: known?.nullable ?? true,
    sourceType: same?.sourceType ?? types.get(typeOid)?.name ?? 'unknown',
    altered: current?.altered ?? before?.altered ?? '',
  };
}

/** The key by its marks, in the order of the catalog where that is the same key. */
function announcedKey(
  old: TableShape,
  relation: Relation,
  columns: readonly ShapeColumn[],
  now: CatalogShape,
): readonly number[] {
  if (old.insertsOnly) return [];
  if (relation.replicaIdentity === 'f') {
    // The key is not announced. Until it is sure which one holds, none does: every row comes whole, so none is needed.
    const kept = old.key.every((attnum) => columns.some((column) => column.attnum === attnum));
    return kept && sameColumns(old.key, now.key) && old.keyIndex === now.keyIndex ? old.key : [];
  }
  const marked = columns.filter((_, i) => relation.columns[i]!.isKey).map(({ attnum }) => attnum);
  if (marked.length > 0) return [old.key, now.key].find((key) => sameColumns(key, marked)) ?? marked;
  // Between two keys the server takes only inserts.
  if (now.key.length > 0 || now.identity === 'f') return [];
  const name = tableName(relation);
  throw new WeirError('WEIR_PG_REPLICA_IDENTITY', `${name} has lost its key: updates and deletes of it fail at the source`, {
    fix: `ALTER TABLE ${quoteTable(relation)} ADD PRIMARY KEY (…); or ALTER TABLE ${quoteTable(relation)} REPLICA IDENTITY FULL;`,
    table: name,
  });
}

function sameColumns(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((attnum) => b.includes(attnum));
}
