import { tables } from './bank.ts';
import type { ChaosServer } from './server.ts';
import type { ChaosSink, Row } from './sink.ts';

/** A second reader of the source's log: what it gives is what the history has to hold. */
const AUDIT = 'chaos_audit';
/** Letters of pgoutput's messages: https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html */
const [BEGIN, COMMIT, ...ROWS] = ['B', 'C', 'I', 'U', 'D'].map((letter) => letter.charCodeAt(0));

/** From here on the log is kept until it is read by `checkLedger`. The publication has to be there. */
export async function beginAudit(source: ChaosServer): Promise<void> {
  await source.ask('postgres', `SELECT pg_create_logical_replication_slot('${AUDIT}', 'pgoutput')`);
}

/** The notes change their shape, and may be copied again then: a copy takes the place of commits. */
const RESHAPED = 'notes';
const kept = Object.keys(tables).filter((table) => table !== RESHAPED);

export interface Ledger {
  /** Commits that source and history have been compared in. */
  readonly commits: number;
  readonly rows: number;
  /** What is missing or there twice. */
  readonly wrong: readonly string[];
}

/**
 * Holds the history against the source's log, commit by commit, but for the notes: each has as many rows in the history as in the log, with
 * ordinals without gap or double.
 * @param from LSN at which all tables were copied; what was committed before may be in a copy
 */
export async function checkLedger(source: ChaosServer, sink: ChaosSink, from: string): Promise<Ledger> {
  const log = new Map((await source.ask('postgres', logSql())).map(({ lsn, rows }) => [lsn!, Number(rows)]));
  const wrong: string[] = [];
  let commits = 0;
  let rows = 0;
  const seen = new Map<string, Row>();
  for (const row of await sink.askAtRest(historySql())) {
    const lsn = row['position']!.split('.')[1]!;
    if (seen.has(lsn)) wrong.push(`commit ${lsn} is in the history under two positions`);
    seen.set(lsn, row);
    const [count, distinct, lowest, highest] = ['rows', 'ordinals', 'lowest', 'highest'].map((name) => Number(row[name]));
    const isWhole = distinct === count && highest! - lowest! + 1 === count;
    if (lsn > from && !isWhole) wrong.push(`commit ${lsn} has ${count} rows, ${distinct} ordinals from ${lowest} to ${highest}`);
    if (distinct !== count) wrong.push(`commit ${lsn} has ordinals twice`);
    if (!log.has(lsn)) wrong.push(`commit ${lsn} is in the history and not in the source's log`);
  }
  for (const [lsn, count] of log) {
    if (lsn <= from || count === 0) continue;
    commits++;
    rows += count;
    const found = Number(seen.get(lsn)?.['rows'] ?? 0);
    if (found !== count) wrong.push(`commit ${lsn} has ${count} rows in the source's log and ${found} in the history`);
  }
  wrong.push(...(await checkChains(source, sink)));
  return { commits, rows, wrong };
}

/** Commit LSNs and their rows. A Commit message holds its LSN in bytes 3 to 10, a row the oid of its table in bytes 2 to 5. */
function logSql(): string {
  return `
    WITH messages AS (
      SELECT row_number() OVER () AS n, get_byte(data, 0) AS kind, data
        FROM pg_logical_slot_peek_binary_changes('${AUDIT}', NULL, NULL, 'proto_version', '1', 'publication_names', 'weir_bank')
    ), numbered AS (
      SELECT *, count(*) FILTER (WHERE kind = ${BEGIN}) OVER (ORDER BY n) AS transaction FROM messages
    )
    SELECT max(encode(substr(data, 3, 8), 'hex')) FILTER (WHERE kind = ${COMMIT}) AS lsn,
           count(*) FILTER (WHERE kind IN (${ROWS.join(', ')})
             AND encode(substr(data, 2, 4), 'hex') <> lpad(to_hex('${RESHAPED}'::regclass::oid::int), 8, '0')) AS rows
      FROM numbered GROUP BY transaction`;
}

/** The rows of each commit, all tables together that are copied once; copies are no commits. */
function historySql(): string {
  const each = kept.map((table) => {
    return `SELECT _weir_position AS position, _weir_ordinal AS ordinal FROM history.${table} WHERE _weir_op NOT IN ('read', 'truncate')`;
  });
  return `SELECT position, CAST(count(*) AS varchar) AS rows, CAST(count(DISTINCT ordinal) AS varchar) AS ordinals,
      CAST(min(ordinal) AS varchar) AS lowest, CAST(max(ordinal) AS varchar) AS highest
    FROM (${each.join(' UNION ALL ')}) h GROUP BY position`;
}

/** From the copy on: each move of an account follows on the one before, and each transfer is there once. */
async function checkChains(source: ChaosServer, sink: ChaosSink): Promise<string[]> {
  const steps = `moves - lag(moves) OVER (PARTITION BY id ORDER BY _weir_position, _weir_ordinal)`;
  const [chain] = await sink.askAtRest(`
    SELECT CAST((SELECT count(*) FROM (SELECT ${steps} AS step FROM history.accounts) s WHERE step <> 1) AS varchar) AS breaks,
      CAST((SELECT sum(moves) FROM (SELECT max(moves) AS moves FROM history.accounts GROUP BY id) m) AS varchar) AS moves,
      CAST((SELECT count(*) FROM history.transfers) AS varchar) AS transfers,
      CAST((SELECT count(DISTINCT id) FROM history.transfers) AS varchar) AS ids`);
  const [truth] = await source.ask(
    'postgres',
    'SELECT (SELECT sum(moves) FROM accounts)::text AS moves, (SELECT count(*) FROM transfers)::text AS transfers',
  );
  const wanted = { breaks: '0', moves: truth!['moves'], transfers: truth!['transfers'], ids: truth!['transfers'] };
  return JSON.stringify(chain) === JSON.stringify(wanted)
    ? []
    : [`the history's chains are ${JSON.stringify(chain)} instead of ${JSON.stringify(wanted)}`];
}

/** The rows that one side has and the other has not, tables whole, both ways; read with nobody's code in between. */
export async function checkEqual(source: ChaosServer, sink: ChaosSink): Promise<string[]> {
  const wrong: string[] = [];
  for (const [table, columns] of Object.entries(tables)) {
    const texts = columns.map((column) => `coalesce(CAST(${column} AS varchar), '∅')`).join(`, '|', `);
    const sql = `SELECT concat(${texts}) AS row FROM public.${table}`;
    const counts = new Map<string, number>();
    const add = (rows: readonly Row[], by: number): void => {
      for (const { row } of rows) counts.set(row!, (counts.get(row!) ?? 0) + by);
    };
    add(await source.ask('postgres', sql), 1);
    add(await sink.askAtRest(sql), -1);
    const [missing, extra] = [1, -1].map((sign) => [...counts.values()].filter((count) => count * sign > 0).length);
    if (missing! + extra! > 0) wrong.push(`${table}: ${missing} rows are missing at the sink, ${extra} are too many`);
  }
  return wrong;
}
