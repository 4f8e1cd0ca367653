import { parseLsn, type Begin } from '@weir/pgoutput';
import { query, readTypes, type PgType } from '@weir/postgres';
import type { Clock } from '@weir/sdk';
import type pg from 'pg';
import { readCapture, type Capture } from '../capture/capture.ts';
import { readShapes } from './catalog-shapes.ts';
import type { PostgresConfig } from '../config.ts';
import { entryOids } from '../capture/published.ts';
import { LISTS_AND_FILTERS, serverVersion } from '../server-version.ts';
import type { SharedConnection } from '../shared-connection.ts';
import type { CatalogShape } from './table-shape.ts';
import { VisibleTransactions } from '../stream/visible-transactions.ts';

/** A transaction that the stream brings may not be visible yet, while it waits for a standby; so long is waited, in ms. */
const VISIBLE_MS = 10_000;
const ASK_AGAIN_MS = 20;

/** What the catalog says. The same object as long as it says the same. */
export interface CatalogContent {
  readonly capture: Capture;
  /** By the oids of the tables. */
  readonly shapes: ReadonlyMap<number, CatalogShape>;
  readonly types: ReadonlyMap<number, PgType>;
  /** The oids of the tables' entries in the publications, by the tables' oids; see `entryOids`. */
  readonly members: ReadonlyMap<number, number>;
  /** Fingerprint of everything that was read. */
  readonly digest: string;
}

/** The catalog at one moment. */
export interface CatalogView {
  readonly content: CatalogContent;
  /** Whatever committed below it, and is visible, is in the content. */
  readonly from: bigint;
  /** Nothing that committed from here on is in the content. */
  readonly to: bigint;
  readonly visible: VisibleTransactions;
}

/**
 * Whether the catalog was read when everything had happened that a transaction of the stream knows of. Who altered a table
 * kept its lock until that was visible; so what touched it afterwards finds it in the catalog, and so does who asks after
 * that. Only what the transaction itself altered may not be visible although the stream has it.
 */
export function coversTransaction(view: CatalogView, begin: Begin): boolean {
  return begin.commitLsn < view.from && view.visible.sees(begin.transactionId);
}

/** Whether the catalog was read before a transaction of the stream committed: the stream is no longer further back. */
export function precedesTransaction(view: CatalogView, begin: Begin): boolean {
  return begin.commitLsn >= view.to;
}

/** Reads the catalog as often as asked; all of it only when something has changed. */
export class Catalog {
  readonly #connection: SharedConnection;
  readonly #config: PostgresConfig;
  readonly #publication: string;
  readonly #clock: Clock;
  #last: CatalogView | null = null;

  constructor(connection: SharedConnection, config: PostgresConfig, publication: string, clock: Clock) {
    this.#connection = connection;
    this.#config = config;
    this.#publication = publication;
    this.#clock = clock;
  }

  /** As it was read last. */
  get last(): CatalogView | null {
    return this.#last;
  }

  async look(): Promise<CatalogView> {
    return await this.#connection.use(async (client) => await this.lookWith(client));
  }

  /** @param client that of the shared connection, for who has it already */
  async lookWith(client: pg.Client): Promise<CatalogView> {
    this.#last = await readView(client, this.#config, this.#publication, this.#last?.content ?? null);
    return this.#last;
  }

  /** The catalog as it is, or was, behind a transaction of the stream; after a while without the transaction itself. */
  async lookBehind(begin: Begin, signal: AbortSignal): Promise<CatalogView> {
    const until = this.#clock.now() + VISIBLE_MS;
    let view = await this.look();
    while (!coversTransaction(view, begin) && this.#clock.now() < until) {
      await this.#clock.sleep(ASK_AGAIN_MS, signal);
      view = await this.look();
    }
    return view;
  }
}

async function readView(
  client: pg.Client,
  config: PostgresConfig,
  publication: string,
  known: CatalogContent | null,
): Promise<CatalogView> {
  const position = async (): Promise<bigint> =>
    parseLsn((await query(client, 'SELECT pg_current_wal_insert_lsn() AS lsn'))[0]!['lsn']!);
  const from = await position();
  await query(client, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  try {
    const row = await readDigest(client, known?.shapes.keys() ?? []);
    const visible = new VisibleTransactions(row['snapshot']!);
    const digest = row['digest']!;
    const content = known?.digest === digest ? known : await readContent(client, config, publication);
    return { content, from, to: await position(), visible };
  } finally {
    await query(client, 'COMMIT').catch(() => {});
  }
}

/** @param client in a transaction that reads one snapshot */
async function readContent(client: pg.Client, config: PostgresConfig, publication: string): Promise<CatalogContent> {
  const capture = await readCapture(client, config, publication);
  const shapes = await readShapes(client, capture.tables);
  const types = await readTypes(client);
  const publications = [capture.main, capture.inserts].flatMap(({ facts }) => (facts === null ? [] : [facts.oid]));
  const members = await entryOids(client, publications);
  const row = await readDigest(client, shapes.keys());
  return { capture, shapes, types, members, digest: row['digest']! };
}

/** What of the catalog a pipeline depends on, by the versions of its rows: of all tables, and all about those captured. */
async function readDigest(client: pg.Client, oids: Iterable<number>): Promise<Record<string, string | null>> {
  const parts = [...DIGEST, ...((await serverVersion(client)) >= LISTS_AND_FILTERS ? [PUBLISHED_SCHEMAS] : [])];
  const sql = `SELECT pg_current_snapshot()::text AS snapshot, concat_ws(' ', ${parts.join(', ')}) AS digest`;
  return (await query(client, sql, [`{${[...oids].join(',')}}`]))[0]!;
}

const sumOf = (fields: string, from: string): string =>
  `(SELECT coalesce(sum(hashtextextended(concat_ws(' ', ${fields}), 0)), 0) FROM ${from})`;

const DIGEST = [
  sumOf('c.oid, c.xmin, c.relfilenode', "pg_class c WHERE c.relkind IN ('r', 'p', 'c') AND c.relpersistence <> 't'"),
  sumOf(
    'a.attrelid, a.attnum, a.xmin',
    `pg_attribute a WHERE a.attnum > 0 AND (a.attrelid = ANY ($1::oid[])
        OR a.attrelid IN (SELECT c.oid FROM pg_class c WHERE c.relkind = 'c'))`,
  ),
  sumOf('i.indexrelid, i.xmin, i.indisvalid', 'pg_index i WHERE i.indrelid = ANY ($1::oid[])'),
  sumOf('i.inhrelid, i.inhparent, i.xmin', 'pg_inherits i'),
  sumOf('n.oid, n.xmin', "pg_namespace n WHERE n.nspname NOT LIKE 'pg\\_%'"),
  sumOf('e.oid, e.xmin', 'pg_enum e'),
  sumOf('t.oid, t.xmin', "pg_type t WHERE t.typtype IN ('d', 'e', 'r', 'm')"),
  sumOf('p.oid, p.xmin', 'pg_publication p'),
  sumOf('r.oid, r.xmin', 'pg_publication_rel r'),
];
const PUBLISHED_SCHEMAS = sumOf('n.oid, n.xmin', 'pg_publication_namespace n');
