import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { designs, lastKeysSql, rowsSql, scatteredKeysSql, type Design } from './designs.ts';
import { median } from './median.ts';
import { ROW_SQL } from './mirrored-table.ts';
import type { Suite } from './suite.ts';

const CHANGED = 1000;
const BULK = 100_000;
const INSERTED = 10_000;
/** Keys of no order among those at the end of the table, in one commit. */
const OLD = 10;
/** Of DuckDB. What the sink gives it by default, 128 MiB, is not enough for the largest table. */
const MEMORY_MIB = 1024;

/** Of one repeat: time in the median, processor time as mean. */
interface Taken {
  readonly ms: number;
  readonly cpuMs: number;
}

/**
 * Ways to bring changes of random keys into a large DuckDB table, in SQL alone: what a writer pays for each row, merges
 * included, and what a reader pays. Decision 14 is made of it.
 */
export const growthDesigns: Suite = {
  about: 'ways to change keys of a DuckDB table of N rows, in SQL: what writers and readers pay',
  rows: 1_000_000,
  quickRows: null,
  runs: 5,
  async run({ rows, runs, log }) {
    const lines: Record<string, string>[] = [];
    const folder = await mkdtemp(join(tmpdir(), 'weir-designs-'));
    try {
      log(`making ${rows.toLocaleString('en')} rows`);
      const [prepared, path] = [join(folder, 'prepared.duckdb'), join(folder, 'design.duckdb')];
      await using(prepared, (connection) => prepare(connection, rows));
      let plain: Reads | null = null;
      for (const design of designs.filter(({ upTo }) => upTo >= rows)) {
        log(design.name);
        await copyFile(prepared, path);
        await using(path, async (connection) => {
          const measured = await measure(new Trial(connection, design, rows), runs);
          plain ??= measured.reads;
          lines.push(lineOf(design, measured, plain));
          log(Object.values(lines.at(-1)!).join(' | '));
        });
        await rm(path);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
    const title = `changes in ${rows.toLocaleString('en')} rows`;
    return { title: `${title}: processor time, mean of ${runs}; first the time, in the median`, lines };
  },
};

async function using(path: string, work: (connection: DuckDBConnection) => Promise<void>): Promise<void> {
  const instance = await DuckDBInstance.create(path, { memory_limit: `${MEMORY_MIB}MiB` });
  const connection = await instance.connect();
  try {
    await work(connection);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

async function prepare(connection: DuckDBConnection, size: number): Promise<void> {
  await connection.run(`CREATE TABLE base AS SELECT ${ROW_SQL} FROM range(${size}) AS r(i)`);
  const customer = "i::INTEGER AS id, 'segment ' || i % 10 AS segment";
  await connection.run(`CREATE TABLE customers AS SELECT ${customer} FROM range(100000) AS r(i)`);
}

/** One design on its copy of the table. */
class Trial {
  readonly connection: DuckDBConnection;
  readonly design: Design;
  readonly size: number;
  #changed = 0;
  #inserted = 0;

  constructor(connection: DuckDBConnection, design: Design, size: number) {
    this.connection = connection;
    this.design = design;
    this.size = size;
  }

  async create(): Promise<void> {
    await this.#stage(this.#changes(0));
    await this.transaction(this.design.create);
    await this.checkpoint();
  }

  /** Brings the delta to a part of what it is when it is merged. */
  async fill(part: number): Promise<void> {
    if (this.design.delta === null) return;
    const rows = Math.max(0, Math.round(this.size * this.design.delta.share * part) - (await this.count('delta')));
    await this.connection.run(`INSERT INTO delta SELECT * FROM (${this.#changes(rows)}) ANTI JOIN delta USING (id)`);
    await this.checkpoint();
  }

  async checkpoint(): Promise<void> {
    await this.connection.run('CHECKPOINT');
  }

  async count(table: string): Promise<number> {
    return Number((await (await this.connection.run(`SELECT count(*) FROM ${table}`)).getRows())[0]![0]);
  }

  async transaction(statements: readonly string[]): Promise<void> {
    for (const sql of ['BEGIN', ...statements, 'COMMIT']) await this.connection.run(sql);
  }

  /** Commits of rows that are there; staging them is not measured. */
  change(rows: number, runs: number): Promise<Taken> {
    return repeat(runs, () => this.#stage(this.#changes(rows)), () => this.transaction(this.design.apply));
  }

  /** Commits of which all but a few rows are the last of the table. */
  changeLast(rows: number, runs: number): Promise<Taken> {
    const keys = (): string => lastKeysSql(rows, OLD, (this.#changed += rows), this.size);
    return repeat(runs, () => this.#stage(rowsSql(keys(), this.#changed)), () => this.transaction(this.design.apply));
  }

  /** Commits of new rows. */
  insert(rows: number, runs: number): Promise<Taken> {
    const stage = async (): Promise<void> => {
      await this.#stage(rowsSql(`range(${this.rows}, ${this.rows + rows}) AS r(i)`, 0));
      this.#inserted += rows;
    };
    return repeat(runs, stage, () => this.transaction(this.design.insert));
  }

  /** Rows that are to be there. */
  get rows(): number {
    return this.size + this.#inserted;
  }

  /** What DuckDB cannot do without, in MiB: the least limit that it takes. */
  async heldMemory(): Promise<number> {
    let [refused, taken] = [0, MEMORY_MIB];
    while (taken - refused > 1) {
      const limit = (refused + taken) >> 1;
      const isTaken = await this.connection.run(`SET memory_limit = '${limit}MiB'`).then(() => true, () => false);
      if (isTaken) taken = limit;
      else refused = limit;
    }
    await this.connection.run(`SET memory_limit = '${MEMORY_MIB}MiB'`);
    return taken;
  }

  async #stage(sql: string): Promise<void> {
    await this.connection.run(`CREATE OR REPLACE TEMP TABLE changes AS ${sql}`);
  }

  #changes(rows: number): string {
    const from = this.#changed;
    this.#changed += rows;
    return rowsSql(scatteredKeysSql(rows, from, this.size), this.#changed);
  }
}

/** Queries of `orders`, which stands for what is read. @param middle a key in the middle of the table */
const readers = {
  'one key': (middle: number) => `SELECT * FROM orders WHERE id = ${middle}`,
  'range of 1000': (middle: number) => `SELECT sum(total) FROM orders WHERE id BETWEEN ${middle} AND ${middle + 999}`,
  'sums over all': () => 'SELECT count(*), sum(total), max(placed) FROM orders',
  join: () => 'SELECT segment, sum(total) FROM orders JOIN customers AS c ON c.id = customer GROUP BY ALL',
};
type Reads = Readonly<Record<keyof typeof readers, Taken>>;

interface Measured {
  readonly commit: Taken;
  readonly last: Taken;
  readonly single: Taken;
  readonly insert: Taken;
  readonly bulk: Taken;
  /** Behind the commits before it, which DuckDB writes to its log first. */
  readonly checkpoint: Taken;
  readonly heldMiB: number;
  readonly merge: Taken | null;
  /** Rows of the delta that was merged. */
  readonly merged: number;
  readonly reads: Reads;
}

/** Small commits meet a delta that is half full, readers one that is to be merged, large commits an empty one. */
async function measure(trial: Trial, runs: number): Promise<Measured> {
  const { design, connection, size } = trial;
  await trial.create();
  await trial.fill(0.5);
  const commit = await trial.change(CHANGED, runs);
  const last = await trial.changeLast(CHANGED, runs);
  const checkpoint = await once(() => trial.checkpoint());
  const single = await trial.change(1, runs * 4);
  const insert = await trial.insert(INSERTED, runs);
  await trial.fill(1);
  const reads: [string, Taken][] = [];
  for (const [name, sql] of Object.entries(readers)) {
    const text = sql(size / 2).replace('orders', design.relation);
    const read = async (): Promise<void> => void (await (await connection.run(text)).getRows());
    reads.push([name, await repeat(runs, read, read)]);
  }
  const merged = design.delta === null ? 0 : await trial.count('delta');
  const merge = design.delta === null ? null : await once(() => trial.transaction(design.delta!.merge));
  await trial.checkpoint();
  await trial.change(CHANGED, runs);
  const heldMiB = await trial.heldMemory();
  const bulk = await trial.change(BULK, 2);
  const rows = await trial.count(design.relation);
  if (rows !== trial.rows) throw new Error(`${design.name}: ${rows} rows in place of ${trial.rows}`);
  const written = { commit, last, single, insert, bulk, checkpoint, heldMiB, merge, merged };
  return { ...written, reads: Object.fromEntries(reads) as unknown as Reads };
}

async function repeat(runs: number, before: () => Promise<void>, work: () => Promise<void>): Promise<Taken> {
  const taken: Taken[] = [];
  for (let run = 0; run < runs; run++) {
    await before();
    taken.push(await once(work));
  }
  const cpuMs = taken.reduce((sum, next) => sum + next.cpuMs, 0) / runs;
  return { ms: median(taken.map(({ ms }) => ms)), cpuMs };
}

async function once(work: () => Promise<void>): Promise<Taken> {
  const [started, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return { ms: performance.now() - started, cpuMs: (user + system) / 1000 };
}

function lineOf(design: Design, measured: Measured, plain: Reads): Record<string, string> {
  const { commit, last, single, insert, bulk, checkpoint, heldMiB, merge, merged, reads } = measured;
  // A changed row is merged once, if it is not changed again before.
  const mergeOfRow = merge === null ? 0 : (merge.cpuMs * 1000) / merged;
  const ofRow = ({ cpuMs }: Taken, rows: number): string => ((cpuMs * 1000) / rows + mergeOfRow).toFixed(1);
  const isMergedAtOnce = design.delta !== null && BULK > merged;
  const line: Record<string, string> = {
    design: design.name,
    [`${CHANGED} rows, ms`]: commit.ms.toFixed(0),
    'µs a row': ofRow(commit, CHANGED),
    [`${CHANGED}, ${OLD} of them old, µs a row`]: ofRow(last, CHANGED),
    [`${BULK} rows, µs a row`]: isMergedAtOnce ? '–' : ofRow(bulk, BULK),
    '1 row, ms': single.cpuMs.toFixed(1),
    'new rows, µs a row': ((insert.cpuMs * 1000) / INSERTED).toFixed(1),
    'checkpoint, ms': checkpoint.cpuMs.toFixed(0),
    'held MiB': String(heldMiB),
    'merge, s': merge === null ? '–' : (merge.cpuMs / 1000).toFixed(2),
  };
  for (const [name, { cpuMs }] of Object.entries(reads) as [keyof Reads, Taken][])
    line[`${name}, ms (× plain)`] = `${cpuMs.toFixed(1)} (${(cpuMs / plain[name].cpuMs).toFixed(1)})`;
  return line;
}
