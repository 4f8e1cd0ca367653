import { query } from '@weir/postgres';
import type pg from 'pg';
import { LISTS_AND_FILTERS, serverVersion } from '../server-version.ts';

const MADE_BY_WEIR = 'Made by Weir.';
const REPLACED = 'Entries that it replaced: ';
/** So many are remembered; the last ones matter. */
const MOST_REPLACED = 500;

/**
 * The comment on a publication of Weir's own. It says who made it, and which entries Weir itself has taken out: written in
 * the same transaction, so that a start that finds another entry than its checkpoint has knows whether rows got lost.
 */
export function publicationComment(replaced: readonly number[]): string {
  return replaced.length === 0 ? MADE_BY_WEIR : `${MADE_BY_WEIR} ${REPLACED}${replaced.slice(-MOST_REPLACED).join(' ')}`;
}

/** What the server says of a publication. */
export interface PublicationFacts {
  readonly name: string;
  readonly oid: number;
  /** Publishes inserts and truncates. */
  readonly inserts: boolean;
  /** Publishes updates, or deletes. */
  readonly changes: boolean;
  /** Publishes every kind of change. */
  readonly whole: boolean;
  /** A partitioned table is sent under its own name; otherwise each of its leaves is. */
  readonly viaRoot: boolean;
  /** Stored generated columns are sent too (from PostgreSQL 18 on). */
  readonly generated: boolean;
  /** FOR ALL TABLES or FOR TABLES IN SCHEMA: more than a list of tables. */
  readonly wide: boolean;
  /** The connected role may change it. */
  readonly mayAlter: boolean;
  /** Weir made it, as its comment says. */
  readonly made: boolean;
  /** Oids of entries that Weir took out to put others in their place: see `publicationComment`. */
  readonly replaced: readonly number[];
}

/** A table as which a publication sends rows. */
export interface PublishedTable {
  /** Of the publication. */
  readonly publication: string;
  /** In the order of the stream; null before PostgreSQL 15: every column that is not generated. */
  readonly columns: readonly string[] | null;
  /** The columns were listed; otherwise one that is added to the table is published too. */
  readonly listed: boolean;
  readonly rowFilter: string | null;
  readonly filterColumns: readonly string[];
}

/** These publications, as far as they exist, by name. */
export async function readPublications(
  client: pg.Client,
  names: readonly string[],
): Promise<Map<string, PublicationFacts>> {
  const lists = (await serverVersion(client)) >= LISTS_AND_FILTERS;
  const schemas = 'EXISTS (SELECT FROM pg_publication_namespace n WHERE n.pnpubid = p.oid)';
  // An option that older versions lack is read out of the row as JSON.
  const rows = await query(
    client,
    `SELECT p.oid, p.pubname, p.pubinsert AND p.pubtruncate AS inserts, p.pubupdate OR p.pubdelete AS changes,
            p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate AS whole, p.pubviaroot AS via_root,
            coalesce(to_jsonb(p) ->> 'pubgencols', 'n') = 's' AS generated,
            p.puballtables OR ${lists ? schemas : 'false'} AS wide,
            pg_has_role(p.pubowner, 'USAGE') AS may_alter,
            obj_description(p.oid, 'pg_publication') AS comment
       FROM pg_publication p WHERE p.pubname = ANY ($1::name[])`,
    [names],
  );
  return new Map(rows.map((row) => [row['pubname']!, publicationFacts(row)]));
}

function publicationFacts(row: Record<string, string | null>): PublicationFacts {
  const is = (name: string): boolean => row[name] === 't';
  const comment = row['comment'] ?? '';
  const [, replaced = ''] = comment.split(REPLACED);
  return {
    name: row['pubname']!,
    oid: Number(row['oid']),
    inserts: is('inserts'),
    changes: is('changes'),
    whole: is('whole'),
    viaRoot: is('via_root'),
    generated: is('generated'),
    wide: is('wide'),
    mayAlter: is('may_alter'),
    made: comment.startsWith(MADE_BY_WEIR),
    replaced: replaced.split(' ').map(Number).filter((entry) => entry > 0),
  };
}

/**
 * The tables as which these publications send rows, by the tables' oids; of a table that two have, what the first says.
 * Column lists and row filters exist from PostgreSQL 15 on.
 */
export async function publishedTables(
  client: pg.Client,
  names: readonly string[],
): Promise<Map<number, PublishedTable>> {
  const lists = (await serverVersion(client)) >= LISTS_AND_FILTERS;
  const extra = `array_to_json(t.attnames::text[]) AS columns, t.rowfilter, r.prattrs IS NOT NULL AS listed,
                 ${filterColumns('r.prqual', 'c.oid')} AS filter_columns`;
  const none = 'NULL AS columns, NULL AS rowfilter, false AS listed, NULL AS filter_columns';
  const rows = await query(
    client,
    `SELECT t.pubname, c.oid, ${lists ? extra : none}
       FROM pg_publication_tables t
       JOIN pg_publication p ON p.pubname = t.pubname
       JOIN pg_namespace n ON n.nspname = t.schemaname
       JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
       LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = c.oid
      WHERE t.pubname = ANY ($1::name[])
      ORDER BY array_position($1::name[], t.pubname) DESC`,
    [names],
  );
  return new Map(
    rows.map((row) => [
      Number(row['oid']),
      {
        publication: row['pubname']!,
        columns: row['columns'] === null ? null : (JSON.parse(row['columns']!) as string[]),
        listed: row['listed'] === 't',
        rowFilter: row['rowfilter'] ?? null,
        filterColumns: JSON.parse(row['filter_columns'] ?? '[]') as string[],
      },
    ]),
  );
}

/**
 * SQL for the names of the columns that an expression of the catalog reads, as JSON. The stored tree of nodes says it; the
 * dependencies of a publication's member do not tell them from the columns of its list.
 */
export function filterColumns(expression: string, relation: string): string {
  return `(SELECT json_agg(DISTINCT a.attname) FROM pg_attribute a
            WHERE a.attrelid = ${relation} AND a.attnum IN (
                  SELECT m[1]::int2 FROM regexp_matches(${expression}::text, ':varattno (\\d+)', 'g') AS m))`;
}

/** A table's entry in a publication. */
export interface Member {
  /** Of the entry: taken out and put back it is another. */
  readonly entry: number;
  /** Listed columns, in the order of the table; null: all of them. */
  readonly columns: readonly string[] | null;
  readonly rowFilter: string | null;
}

/** The tables that a publication lists, by their oids. */
export async function listedMembers(client: pg.Client, publication: number): Promise<Map<number, Member>> {
  const lists = (await serverVersion(client)) >= LISTS_AND_FILTERS;
  const columns = `(SELECT json_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a
                     WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs::int2[]))`;
  const extra = `${columns} AS columns, pg_get_expr(r.prqual, r.prrelid) AS rowfilter`;
  const sql = `SELECT r.oid, r.prrelid, ${lists ? extra : 'NULL AS columns, NULL AS rowfilter'}
                 FROM pg_publication_rel r WHERE r.prpubid = $1`;
  return new Map(
    (await query(client, sql, [publication])).map((row) => [
      Number(row['prrelid']),
      {
        entry: Number(row['oid']),
        columns: row['columns'] === null ? null : (JSON.parse(row['columns']!) as string[]),
        rowFilter: row['rowfilter'] ?? null,
      },
    ]),
  );
}

/**
 * The oid of the entry by which each table is in one of the publications, by the table's oid. The entry can be the table's,
 * its schema's, or that of a partitioned table whose leaves are published. A table that FOR ALL TABLES brings has none.
 */
export async function entryOids(client: pg.Client, publications: readonly number[]): Promise<Map<number, number>> {
  const lists = (await serverVersion(client)) >= LISTS_AND_FILTERS;
  const schemas = `
    UNION ALL
    SELECT n.pnpubid, c.oid, n.oid, 1 FROM pg_publication_namespace n JOIN pg_class c ON c.relnamespace = n.pnnspid
     WHERE c.relkind IN ('r', 'p')`;
  const rows = await query(
    client,
    `WITH entries(publication, relation, entry, rank) AS (
       SELECT r.prpubid, r.prrelid, r.oid, 0 FROM pg_publication_rel r ${lists ? schemas : ''})
     SELECT relation, entry, rank, array_position($1::oid[], publication) AS place
       FROM entries WHERE publication = ANY ($1::oid[])
     UNION ALL
     SELECT t.relid, e.entry, e.rank + 2, array_position($1::oid[], e.publication)
       FROM entries e
       JOIN pg_publication p ON p.oid = e.publication AND NOT p.pubviaroot
       JOIN pg_class c ON c.oid = e.relation AND c.relkind = 'p', pg_partition_tree(e.relation) t
      WHERE e.publication = ANY ($1::oid[]) AND t.relid <> e.relation
     ORDER BY place DESC, rank DESC`,
    [`{${publications.join(',')}}`],
  );
  return new Map(rows.map((row) => [Number(row['relation']), Number(row['entry'])]));
}
