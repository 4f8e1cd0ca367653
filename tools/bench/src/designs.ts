import { ROW_SQL } from './mirrored-table.ts';

/**
 * A way to bring changes of rows, one for each key, into a table of DuckDB: SQL over the temporary table `changes`, whose
 * column `gone` marks deletes. Each is one transaction.
 */
export interface Design {
  readonly name: string;
  /** Tables of more rows are left out, since they take too long. */
  readonly upTo: number;
  /** What the tables need before the first change. */
  readonly create: readonly string[];
  /** For rows that are there. */
  readonly apply: readonly string[];
  /** For new rows. */
  readonly insert: readonly string[];
  /** What readers select from. */
  readonly relation: string;
  /** Where changes wait first: how large a part of the table they become, and how they are merged then. */
  readonly delta: { readonly share: number; readonly merge: readonly string[] } | null;
}

export const COLUMNS = 'id, customer, city, address, total, placed';
const APPEND = `INSERT INTO base SELECT ${COLUMNS} FROM changes`;
const DELTA = 'CREATE TABLE delta AS SELECT * FROM changes LIMIT 0';
/** Shows the base without the rows that have a change, and the changes. */
const CURRENT =
  `CREATE OR REPLACE VIEW current AS SELECT ${COLUMNS} FROM base ANTI JOIN delta USING (id) ` +
  `UNION ALL SELECT ${COLUMNS} FROM delta WHERE NOT gone`;

/**
 * Rows for `changes`.
 * @param keys what can stand in a FROM and has their keys in column `i`
 * @param edition tells rows from what they were before: DuckDB leaves out an update that changes nothing
 */
export function rowsSql(keys: string, edition: number): string {
  const changed = "(customer + 1) % 100_000 AS customer, city || ' changed' AS city, address || total AS address";
  const numbers = `(total + ${edition})::DECIMAL(12,2) AS total, placed + to_seconds(${edition}) AS placed`;
  return `SELECT id, ${changed}, ${numbers}, false AS gone FROM (SELECT ${ROW_SQL} FROM ${keys})`;
}

/** Keys in no order. @param from goes on where the last ones ended, so that no key comes twice */
export function scatteredKeysSql(rows: number, from: number, tableRows: number): string {
  return `(SELECT ${scattered(from, tableRows)} AS i FROM range(${rows}) AS r(n))`;
}

/** The last keys of the table, but for some that are in no order. */
export function lastKeysSql(rows: number, old: number, from: number, tableRows: number): string {
  const key = `CASE WHEN n < ${old} THEN ${scattered(from, tableRows - rows)} ELSE ${tableRows} - n END`;
  return `(SELECT ${key} AS i FROM range(${rows}) AS r(n))`;
}

/** The factor scatters, and has no divisor in common with a power of ten. */
function scattered(from: number, tableRows: number): string {
  return `((${from} + n) * 618033989) % ${tableRows}`;
}

/** Counts what is there of the changed keys, deletes it and inserts the last images. */
function merge(from: string, order = ''): string[] {
  const count = `SELECT count(*), count(DISTINCT b.id) FROM base AS b JOIN ${from} AS c ON b.id = c.id`;
  return [count, ...mergeUncounted(from, order)];
}

function mergeUncounted(from: string, order = ''): string[] {
  return [
    `DELETE FROM base AS b USING ${from} AS c WHERE b.id = c.id`,
    `INSERT INTO base SELECT ${COLUMNS} FROM ${from} WHERE NOT gone ${order}`,
  ];
}

/** DuckDB asks each row group whether it can hold one of the keys, where they are fewer than this: 50 by default. */
const KEYS_AS_FILTER = 'SET dynamic_or_filter_threshold = 5000';

/** A tenth of the rows moved to the end, as many small commits of changes leave them. */
function aged(order: string): string[] {
  return [
    `CREATE TEMP TABLE moved AS SELECT * FROM base WHERE hash(id) % 10 = 0`,
    'DELETE FROM base WHERE hash(id) % 10 = 0',
    `INSERT INTO base SELECT * FROM moved ORDER BY ${order}`,
    'DROP TABLE moved',
  ];
}

/** @param rewrites merged by making the table anew, in place of deleting and inserting */
function deltaOf(share: number, rewrites = false): Design {
  const make = `CREATE TABLE merged AS SELECT ${COLUMNS} FROM current`;
  const rewrite = [make, 'DROP TABLE base', 'ALTER TABLE merged RENAME TO base'];
  return {
    name: `delta of ${share * 100} %, view${rewrites ? '; merged by making the table anew' : ''}`,
    upTo: Infinity,
    create: [DELTA, CURRENT],
    apply: ['DELETE FROM delta AS d USING changes AS c WHERE d.id = c.id', 'INSERT INTO delta SELECT * FROM changes'],
    // A new row whose key waits in the delta, deleted, has to wait there, too.
    insert: ['SELECT count(*) FROM changes JOIN delta USING (id)', APPEND],
    relation: 'current',
    delta: { share, merge: [...(rewrites ? rewrite : merge('delta', 'ORDER BY id')), 'DROP TABLE delta', DELTA] },
  };
}

const assignments = COLUMNS.split(', ').slice(1).map((name) => `${name} = c.${name}`).join(', ');
const table = { upTo: Infinity, create: [], insert: [APPEND], relation: 'base', delta: null };

export const designs: readonly Design[] = [
  { ...table, name: 'count, delete, insert (today)', apply: merge('changes') },
  { ...table, name: 'delete, insert (the delete counts)', apply: mergeUncounted('changes') },
  { ...table, name: 'today, keys as a filter', create: [KEYS_AS_FILTER], apply: merge('changes') },
  {
    ...table,
    name: 'keys as a filter, a tenth moved in no order',
    create: [...aged('hash(id + 1)'), KEYS_AS_FILTER],
    apply: merge('changes'),
  },
  {
    ...table,
    name: 'keys as a filter, a tenth moved in order',
    create: [...aged('id'), KEYS_AS_FILTER],
    apply: merge('changes'),
  },
  {
    ...table,
    name: 'update in place',
    upTo: 1_000_000,
    apply: [`UPDATE base AS b SET ${assignments} FROM changes AS c WHERE b.id = c.id`],
  },
  {
    ...table,
    name: 'primary key, upsert',
    upTo: 1_000_000,
    create: ['ALTER TABLE base ADD PRIMARY KEY (id)'],
    apply: [`INSERT OR REPLACE INTO base SELECT ${COLUMNS} FROM changes`],
  },
  deltaOf(0.01),
  deltaOf(0.05),
  deltaOf(0.1),
  deltaOf(0.1, true),
];
