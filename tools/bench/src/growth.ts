import { performance } from 'node:perf_hooks';
import { WeirError, defaultSinkOptions, type Batch } from '@weir/sdk';
import { median } from './median.ts';
import { MirroredTable, type Changes } from './mirrored-table.ts';
import type { Suite } from './suite.ts';

const SIZES = [0, 1_000_000, 10_000_000, 50_000_000];
/** From here on a table has a delta, where the sink is asked for it. */
const DELTA_ROWS = 1_000_000;
const INSERTED = 10_000;
const CHANGED = 1000;
/** Rows of a commit that fills a delta. */
const FILLED = 50_000;
/** Random keys among those at the end, in one commit. */
const OLD = 10;
const SINGLE_COMMITS = 100;
/** DuckDB's, for the rest of a table's turn, once what the sink gives it by default was not enough. */
const MORE_MEMORY = 1024 * 2 ** 20;

/** What happens to a table over and over: rows of one commit, how many such commits a round is. */
interface Work {
  readonly what: string;
  readonly rows: number;
  readonly commits: number;
  /** Makes what a round needs, outside of what is measured. */
  prepare(): Prepared | Promise<Prepared>;
}

type Prepared = () => Promise<void>;

interface Taken {
  /** Of one commit. */
  readonly ms: number;
  /** Processor time of the process for one commit, with checkpoints that fall into some of them. */
  readonly cpuMs: number;
}

/**
 * How the cost of a commit grows with the table: the DuckDB sink's session, without a source, on tables of 0 to N rows that
 * lie in the order of their keys. From a million rows on also with `changes: delta`; there readers find a delta that is about to
 * be merged, and a commit that merges it is measured by itself.
 */
export const growth: Suite = {
  about: 'commits of the DuckDB sink on tables of 0 … N rows: what they cost as the table grows',
  rows: 10_000_000,
  quickRows: 100_000,
  runs: 5,
  async run({ rows, runs, log }) {
    const lines: Record<string, string>[] = [];
    const first = new Map<string, Taken>();
    for (const { size, changes } of contenders(rows)) {
      log(`${size.toLocaleString('en')} rows: making them`);
      let memory = defaultSinkOptions.memoryBytes;
      await using table = await MirroredTable.make(size, changes);
      for (const work of works(table, size, runs)) {
        log(`${size.toLocaleString('en')} rows, changes: ${changes}: ${work.what}`);
        const taken = await repeat(work, runs).catch(async (error: unknown) => {
          if (!(error instanceof WeirError) || error.code !== 'WEIR_DUCKDB_MEMORY') throw error;
          log(`${error.message}; from here on ${MORE_MEMORY / 2 ** 20} MiB`);
          memory = MORE_MEMORY;
          await table.reopen(memory);
          return await repeat(work, runs);
        });
        if (!first.has(work.what)) first.set(work.what, taken);
        const line = lineOf(size, work, taken, first.get(work.what)!);
        lines.push({ changes, ...line, ...mebibytes(table.bytes, memory) });
      }
    }
    return { title: `commits on a growing table, median of ${runs}, CPU as mean`, lines };
  },
};

function contenders(rows: number): { size: number; changes: Changes }[] {
  const sizes = [...new Set([...SIZES.filter((least) => least <= rows), rows])];
  return sizes.flatMap((size) => {
    const all: Changes[] = size < DELTA_ROWS ? ['table'] : ['table', 'delta'];
    return all.map((changes) => ({ size, changes }));
  });
}

function works(table: MirroredTable, size: number, runs: number): Work[] {
  let next = size;
  // The first round warms up.
  const changeable = size + INSERTED * (runs + 1) - CHANGED;
  const recent = Array.from({ length: CHANGED }, (_, i) => changeable + i);
  const pick = picker(changeable);
  const commit = (rows: number, batches: () => Batch[]): Pick<Work, 'rows' | 'commits' | 'prepare'> => ({
    rows,
    commits: 1,
    prepare: () => {
      const made = batches();
      return () => table.commit(made);
    },
  });
  const inserted = (): number[] => Array.from({ length: INSERTED }, () => next++);
  return [
    { what: `${INSERTED} inserts`, ...commit(INSERTED, () => table.inserts(inserted())) },
    { what: `${CHANGED} updates of the last keys`, ...commit(CHANGED, () => table.updates(recent)) },
    {
      what: `${CHANGED} updates, ${OLD} of them of random keys`,
      ...commit(CHANGED, () => table.updates([...pick(OLD), ...recent.slice(OLD)])),
    },
    { what: `${CHANGED} updates of random keys`, ...commit(CHANGED, () => table.updates(pick(CHANGED))) },
    { what: `${CHANGED} deletes of random keys`, ...commit(CHANGED, () => table.deletes(pick(CHANGED))) },
    {
      what: 'an update of a random key, alone',
      rows: 1,
      commits: SINGLE_COMMITS,
      prepare: () => {
        const commits = pick(SINGLE_COMMITS).map((key) => table.updates([key]));
        return async () => {
          for (const batches of commits) await table.commit(batches);
        };
      },
    },
    ...worksOnFullDelta(table, pick, recent[0]! - CHANGED),
  ];
}

/** What readers pay, and, with a delta, what a commit does that merges it. */
function worksOnFullDelta(table: MirroredTable, pick: (count: number) => number[], key: number): Work[] {
  const fill = async (): Promise<void> => {
    for (;;) {
      const missing = (await table.untilMerge()) - CHANGED / 2;
      if (missing < 1) return;
      await table.commit(table.updates(pick(Math.min(FILLED, missing))));
    }
  };
  const whenFull = (what: string, rows: number, make: () => Prepared): Work => {
    return { what, rows, commits: 1, prepare: async () => (await fill(), make()) };
  };
  const merging = whenFull(`${CHANGED} updates of random keys, and the delta is merged`, CHANGED, () => {
    const made = table.updates(pick(CHANGED));
    return () => table.commit(made);
  });
  const read = (what: string, sql: string): Work => whenFull(`read: ${what}`, 0, () => () => table.query(sql));
  return [
    read('one key', `SELECT * FROM public.orders WHERE id = ${key}`),
    read('sums over all', 'SELECT count(*), sum(total), max(placed) FROM public.orders'),
    ...(table.changes === 'delta' ? [merging] : []),
  ];
}

/** Keys from 0 up to a number in no order, none of them twice. */
function picker(below: number): (count: number) => number[] {
  // A step by the golden ratio scatters evenly, and comes by each key once where it has no divisor in common with `below`.
  let step = Math.floor(below * 0.618);
  while (gcd(step, below) > 1) step++;
  let at = 0;
  return (count) => Array.from({ length: count }, () => (at = (at + step) % below));
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

async function repeat(what: Work, runs: number): Promise<Taken> {
  const ms: number[] = [];
  let cpu = 0;
  await (await what.prepare())();
  for (let run = 0; run < runs; run++) {
    const work = await what.prepare();
    const [started, before] = [performance.now(), process.cpuUsage()];
    await work();
    const { user, system } = process.cpuUsage(before);
    ms.push((performance.now() - started) / what.commits);
    cpu += (user + system) / 1000;
  }
  return { ms: median(ms), cpuMs: cpu / runs / what.commits };
}

function lineOf(size: number, { what, rows }: Work, { ms, cpuMs }: Taken, first: Taken): Record<string, string> {
  const ofRow = (milliseconds: number): string => (rows === 0 ? '–' : ((milliseconds * 1000) / rows).toFixed(1));
  return {
    'M rows before': String(size / 1e6),
    what,
    ms: ms.toFixed(1),
    'µs a row': ofRow(ms),
    'CPU ms': cpuMs.toFixed(1),
    'CPU µs a row': ofRow(cpuMs),
    'ms ÷ smallest': (ms / first.ms).toFixed(2),
    'CPU ÷ smallest': (cpuMs / first.cpuMs).toFixed(2),
  };
}

function mebibytes(file: number, memory: number): Record<string, string> {
  return { 'file, MiB': String(Math.round(file / 2 ** 20)), 'memory limit, MiB': String(memory / 2 ** 20) };
}
