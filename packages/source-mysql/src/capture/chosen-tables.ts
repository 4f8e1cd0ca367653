import type { MysqlClient } from '@weir/mysql';
import type { TableState } from '../checkpoint-state.ts';
import { readCatalog, type CatalogTable } from './catalog.ts';
import { columnStates } from './table-shape.ts';

/** The tables that a pipeline reads, in the order of their names: views and the like are passed over. */
export async function chosenTables(client: MysqlClient, patterns: readonly string[]): Promise<CatalogTable[]> {
  return (await readCatalog(client, patterns)).filter(({ kind }) => kind === 'table');
}

/**
 * The state of a table at a pipeline's first start.
 * @param uncopied as the catalog has it, where only changes are read of it; null where it is to be copied
 */
export function unreadState({ namespace, name, key }: CatalogTable, uncopied: CatalogTable | null): TableState {
  const named = { namespace, name, reason: 'first', version: 1 } as const;
  if (uncopied === null) return { ...named, columns: [], key: [], copy: { upTo: null, rows: 0 } };
  return { ...named, columns: columnStates(uncopied), key };
}
