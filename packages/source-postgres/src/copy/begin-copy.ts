import { query } from '@weir/postgres';
import { WeirError } from '@weir/sdk';
import type pg from 'pg';
import type { CatalogTable } from '../capture/catalog.ts';
import type { CatalogShape } from '../shape/table-shape.ts';
import { CopyRound } from './copy-round.ts';
import { sameTables } from './exported-snapshot.ts';
import { isCopiedByKey } from './key-sql.ts';

/** Tables by how they are copied. */
export interface CopyPlan {
  readonly byKey: readonly CatalogTable[];
  readonly inSnapshot: readonly CatalogTable[];
}

export async function planCopies(client: pg.Client, tables: readonly CatalogTable[]): Promise<CopyPlan> {
  const [row] = await query(client, 'SHOW server_encoding');
  // Text in another encoding is ordered by other bytes than those that come.
  const isUtf8 = row!['server_encoding'] === 'UTF8';
  const goesByKey = (table: CatalogTable): boolean => isCopiedByKey(table) && (isUtf8 || !hasTextKey(table));
  return { byKey: tables.filter(goesByKey), inSnapshot: tables.filter((table) => !goesByKey(table)) };
}

function hasTextKey({ table }: CatalogTable): boolean {
  return table.key.some((column) => table.columns[column]!.type.kind === 'string');
}

/** How tables look when their copy by key begins, and since which LSN: rows that committed before may look otherwise. */
export interface CopyStart {
  readonly shapes: ReadonlyMap<number, CatalogShape>;
  readonly at: bigint;
}

/** @throws WeirError WEIR_PG_TABLE_REWRITTEN when a table changed under our hands; trying again mends it */
export async function beginCopies(client: pg.Client, tables: readonly CatalogTable[]): Promise<CopyStart> {
  const begun = await CopyRound.begin(client, tables, {});
  if (begun === null) throw new WeirError('WEIR_PG_TABLE_REWRITTEN', 'a table was altered while its copy began');
  await begun.round.end();
  const { tables: seen, shapes, at } = begun.view;
  sameTables(tables, seen);
  return { shapes, at };
}
