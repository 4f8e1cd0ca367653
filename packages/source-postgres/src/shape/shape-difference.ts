import type { PgType } from '@weir/postgres';
import type { CatalogShape, ShapeColumn, TableShape } from './table-shape.ts';
import { keepsCells } from './type-storage.ts';

/** A step from one shape to the next; columns by `attnum`. */
export type ShapeStep =
  | { readonly step: 'add' | 'drop' | 'rename' | 'widen'; readonly attnum: number }
  | { readonly step: 'key' };

/** How a shape became another. `again`: existing rows changed in ways that nothing says, so they are copied once more. */
export type ShapeDifference = { readonly steps: readonly ShapeStep[] } | { readonly again: string };

/**
 * Why rows that were there at `old` may have changed without an event; null when they have not. A rewrite alone (VACUUM FULL,
 * CLUSTER, TRUNCATE, another tablespace) leaves values as they are or has an event; an altered column alone has not touched
 * a row. Both together may be an ALTER TYPE … USING, or a volatile default.
 */
export function rewriteReason(old: TableShape, now: CatalogShape): string | null {
  if (old.insertsOnly !== now.insertsOnly) return now.insertsOnly ? 'it has no key any more' : 'it has got a key';
  const renamed = Object.keys(old.contents).some((part) => (now.contents[part] ?? old.contents[part]) !== old.contents[part]);
  if (renamed) return 'a type of its columns was altered';
  return partitionReason(old, now) ?? (old.fileNode === now.fileNode ? null : columnReason(old, now));
}

function columnReason(old: TableShape, now: CatalogShape): string | null {
  for (const column of now.columns) {
    const before = old.columns.find(({ attnum }) => attnum === column.attnum);
    if (before === undefined) return `it was rewritten, and column ${column.name} was added`;
    if (before.altered !== column.altered) return `it was rewritten, and column ${column.name} was altered`;
  }
  return null;
}

/** A partition that was made as one has got all its rows through events. */
function partitionReason(old: TableShape, now: CatalogShape): string | null {
  const current = new Map(now.partitions.map((partition) => [partition.oid, partition]));
  for (const before of old.partitions) {
    const partition = current.get(before.oid);
    if (partition === undefined) return 'a partition was dropped or detached';
    if (partition.attached !== before.attached) return 'a partition was detached and attached again';
    if (partition.fileNode !== before.fileNode) return 'a partition was truncated or rewritten';
    current.delete(before.oid);
  }
  const attached = Array.from(current.keys()).some((oid) => !now.born.has(oid));
  return attached ? 'a partition was attached' : null;
}

/** @param next as it was announced, or as the catalog has it; rows were not rewritten in between, see {@link rewriteReason} */
export function shapeDifference(
  old: TableShape,
  next: Pick<TableShape, 'columns' | 'key' | 'insertsOnly'>,
  types: ReadonlyMap<number, PgType>,
): ShapeDifference {
  const before = new Map(old.columns.map((column) => [column.attnum, column]));
  const after = new Map(next.columns.map((column) => [column.attnum, column]));
  const added = next.columns.filter(({ attnum }) => !before.has(attnum));
  const dropped = old.columns.filter(({ attnum }) => !after.has(attnum));
  const kept = next.columns.filter(({ attnum }) => before.has(attnum));
  const renamed = kept.filter(({ attnum, name }) => before.get(attnum)!.name !== name);
  const retyped = kept.filter((column) => !sameType(before.get(column.attnum)!, column));
  const other = retyped.find((column) => !keepsCells(before.get(column.attnum)!, column, types));
  if (other !== undefined) return { again: `the type of column ${other.name} changed` };
  const inOrder = orderRenames(renamed, before);
  if (inOrder === null) return { again: 'columns swapped their names' };
  const keyChanged = old.key.join() !== next.key.join() || old.insertsOnly !== next.insertsOnly;
  const names = new Set([...added, ...renamed].map(({ name }) => name));
  const taken = dropped.filter(({ name }) => names.has(name));
  if (taken.some(({ attnum }) => old.key.includes(attnum))) return { again: 'a column of the key was made anew' };
  const step = (kind: 'add' | 'drop' | 'rename' | 'widen', columns: readonly ShapeColumn[]): ShapeStep[] =>
    columns.map(({ attnum }) => ({ step: kind, attnum }));
  return {
    steps: [
      // A name must be free before it is given again; what else goes, goes last, when no key needs it any more.
      ...step('drop', taken),
      ...step('rename', inOrder),
      ...step('widen', retyped),
      ...step('add', added),
      ...(keyChanged ? [{ step: 'key' } as const] : []),
      ...step(
        'drop',
        dropped.filter((column) => !taken.includes(column)),
      ),
    ],
  };
}

function sameType(a: ShapeColumn, b: ShapeColumn): boolean {
  return a.typeOid === b.typeOid && a.modifier === b.modifier;
}

/** So that no column is renamed to what another one is still called; null when they go round in a circle. */
function orderRenames(renamed: readonly ShapeColumn[], before: ReadonlyMap<number, ShapeColumn>): ShapeColumn[] | null {
  const left = new Set(renamed);
  const ordered: ShapeColumn[] = [];
  const oldName = (column: ShapeColumn): string => before.get(column.attnum)!.name;
  while (left.size > 0) {
    const free = [...left].find((column) => ![...left].some((other) => other !== column && oldName(other) === column.name));
    if (free === undefined) return null;
    left.delete(free);
    ordered.push(free);
  }
  return ordered;
}
