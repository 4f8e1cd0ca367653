import type { Begin } from '@weir/pgoutput';
import { VisibleTransactions, tableOf, type Catalog, type CatalogContent, type CatalogTable, type CatalogView } from '@weir/source-postgres/parts';
import type { Database } from './database.ts';
import type { SimProcess } from './sim-process.ts';
import type { SimTable } from './sim-tables.ts';
import { types } from './sim-types.ts';

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
  // What is missing here is for commands only.
  const content = {
    capture: {
      tables: tables.map(catalogTable),
      main: { name: 'weir_shop', own: true, facts: null },
      inserts: { name: 'weir_shop_inserts', own: true, facts: null },
      published: new Map(tables.map(({ oid }) => [oid, { publication: 'weir_shop' }])),
      version: 180_000,
    },
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
  const names = shape.columns.map((column) => column.name);
  const scope = { columns: null, listed: false, rowFilter: null, filterColumns: null, insertsOnly: false, publishedIn: 'main' };
  const one = tableOf({ namespace: 'public', name }, shape, types, 1);
  const rights = { unreadable: [], filtered: false, unlogged: [], deviating: [], owned: true, generated: [], partitioned: false };
  const key = { replicaIdentity: 'd', identity: ['id'], primaryKey: ['id'], identityIndex: null };
  const known = { oid, namespace: 'public', name, table: one, columns: shape.columns, allColumns: names, scope, ...rights, ...key };
  return known as unknown as CatalogTable;
}
