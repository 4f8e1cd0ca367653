import type { Begin } from '@weir/pgoutput';
import { VisibleTransactions, tableOf, type Catalog, type CatalogContent, type CatalogTable, type CatalogView } from '@weir/source-postgres/parts';
import type { Database } from './database.ts';
import type { SimProcess } from './sim-process.ts';
import { types, type SimTable } from './sim-tables.ts';

const NOBODY_SEES_IT_MS = 20;

/** The catalog of the simulated server as one session knows it; in the place of the one that asks a real server. */
export class SimCatalog implements Pick<Catalog, 'last' | 'look' | 'lookBehind'> {
  readonly #process: SimProcess;
  readonly #database: Database;
  last: CatalogView | null = null;

  constructor(process: SimProcess, database: Database) {
    this.#process = process;
    this.#database = database;
  }

  get catalog(): Catalog {
    return this as unknown as Catalog;
  }

  async look(): Promise<CatalogView> {
    return await this.#process.call('catalog.look', () => this.lookNow());
  }

  /** Within a call. */
  lookNow(): CatalogView {
    const end = BigInt(this.#database.end);
    const visible = new VisibleTransactions(this.#database.snapshot().text);
    this.last = { content: contentOf(this.#database), from: end, to: end, visible };
    return this.last;
  }

  async lookBehind(begin: Begin, signal: AbortSignal): Promise<CatalogView> {
    let view = await this.look();
    while (!(begin.commitLsn < view.from && view.visible.sees(begin.transactionId))) {
      await this.#process.sleep(NOBODY_SEES_IT_MS, signal);
      view = await this.look();
    }
    return view;
  }
}

const contents = new WeakMap<Database, { shapes: number; content: CatalogContent }>();

/** The same object as long as it says the same. */
function contentOf(database: Database): CatalogContent {
  const known = contents.get(database);
  if (known !== undefined && known.shapes === database.shapes) return known.content;
  const { tables, shapes } = database;
  // What is missing here is only for who publishes or refuses tables.
  const content = {
    capture: { tables: tables.map(catalogTable) },
    shapes: new Map(tables.map(({ oid, shape }) => [oid, shape])),
    types,
    members: new Map(),
    digest: String(shapes),
  } as unknown as CatalogContent;
  contents.set(database, { shapes, content });
  return content;
}

export function catalogTable(table: SimTable): CatalogTable {
  const { oid, name, shape } = table;
  return { oid, namespace: 'public', name, table: tableOf({ namespace: 'public', name }, shape, types, 1) } as unknown as CatalogTable;
}
