import { DuckDBInstance } from '@duckdb/node-api';
import { expect } from 'vitest';
import type { CountedTable } from './counted-rows.ts';
import { RowHistory, type HistoryEvent, type KeyEvent } from './row-history.ts';

type Answer = readonly Record<string, unknown>[];

/** What there is to compare of a table of counted rows; columns of the answers are as they are read here. */
export interface TableRecord {
  readonly table: CountedTable;
  /** The events of each key: see `byKey`. */
  readonly happened: ReadonlyMap<string, readonly KeyEvent[]>;
  /** The answer to `historySql`. */
  readonly history: Answer;
  /** The rows that the source has: key and row. */
  readonly current: Answer;
}

/**
 * The history of a table fits what happened, and leads to what the source has.
 * @param what the table, for whoever reads that it does not
 * @returns how many copies began anew
 */
export function expectContinuous(what: string, { table, happened, history, current }: TableRecord): number {
  const events = history.map((row) => eventOf(table, row));
  const about = `${what}, of ${events.length} events`;
  let left: Map<string, string>;
  try {
    left = new RowHistory(happened).follow(events);
  } catch (error) {
    throw new Error(`${about}: ${(error as Error).message}`, { cause: error });
  }
  expect(Object.fromEntries(left), about).toEqual(Object.fromEntries(current.map(({ key, row }) => [key, row])));
  return events.filter(({ op }) => op === 'truncate').length;
}

/** @param log what the triggers wrote down of one table, in order */
export function byKey(log: Answer): Map<string, KeyEvent[]> {
  const happened = new Map<string, KeyEvent[]>();
  for (const { key, event, is_moved_whole: isMovedWhole } of log) {
    const events = happened.get(String(key)) ?? [];
    events.push({ event: String(event), isMovedWhole: isMovedWhole === true });
    happened.set(String(key), events);
  }
  return happened;
}

/** For DuckDB and for PostgreSQL. @param digest the function by which what happened has the bodies */
export function historySql(schema: string, { name, key }: CountedTable, digest: 'md5' | 'sha256' = 'md5'): string {
  return `
    SELECT _weir_op AS op, _weir_position AS position, CAST(_weir_ordinal AS varchar) AS ordinal,
           concat_ws('|', ${key.map((column) => `CAST(${column} AS varchar)`).join(', ')}) AS key,
           concat(life, '.', version) AS version, coalesce(${digest}(body), 'null') AS body,
           CAST(_weir_before AS varchar) AS before, CAST(_weir_unchanged AS varchar) AS unchanged
      FROM ${schema}.${name}`;
}

/** @param path of a file that no process holds */
export async function askDuckdb(path: string, sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  const rows = await connection.runAndReadAll(sql);
  connection.closeSync();
  instance.closeSync();
  return rows.getRowObjects();
}

function eventOf({ key }: CountedTable, row: Record<string, unknown>): HistoryEvent {
  const before = typeof row['before'] === 'string' ? (JSON.parse(row['before']) as Record<string, string>) : null;
  return {
    op: String(row['op']),
    position: String(row['position']),
    ordinal: Number(row['ordinal']),
    key: String(row['key']),
    oldKey: before && key.map((column) => before[column]).join('|'),
    version: String(row['version']),
    body: row['unchanged'] === null ? String(row['body']) : null,
  };
}
