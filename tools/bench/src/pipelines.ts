import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { makeBacklog, type Backlog } from './backlog.ts';
import { contest, cpuRatio, standingLines, type Attempt, type Contender } from './contest.ts';
import { spread } from './many-tables.ts';
import { runWeir } from './measured-process.ts';
import type { Suite } from './suite.ts';

const PIPELINES = 20;
/** How often the server is asked who reads, in ms. */
const LOOK_MS = 100;

/** Which tables each pipeline has: `tables` of one pattern a pipeline. */
type Split = readonly string[];

const oneForAll: Split = ['public.*'];
const oneEach: Split = Array.from({ length: PIPELINES }, (_, index) => `public.orders_${index + 1}`);

/** The most that a run had at the server at once. */
interface Held {
  walSenders: number;
  connections: number;
}

/** What a pipeline more costs, in a process that has others. */
export const pipelines: Suite = {
  about: `${PIPELINES} pipelines of one process, a table each, into DuckDB, beside one pipeline of all these tables`,
  rows: 400_000,
  quickRows: null,
  runs: 3,
  async run({ rows, runs, log }) {
    const folder = await mkdtemp(join(tmpdir(), 'weir-bench-'));
    try {
      const load = spread(rows, PIPELINES);
      log(`a backlog of ${load.rows.toLocaleString('en')} rows of ${PIPELINES} tables`);
      const splits = { one: oneForAll, each: oneEach };
      await using backlog = await makeBacklog(load, async ({ url, keep }) => {
        for (const [name, split] of Object.entries(splits)) {
          await mkdir(join(folder, name));
          await writeFile(join(folder, name, 'weir.yaml'), configOf(name, split, url));
          await runWeir(['run', 'weir.yaml', '--until-caught-up'], join(folder, name));
          for (const slot of slotsOf(name, split)) await keep(slot);
        }
      });
      const held = { one: { walSenders: 0, connections: 0 }, each: { walSenders: 0, connections: 0 } };
      const contenders = [
        runner('1 pipeline', 'one', oneForAll, backlog, folder, held.one),
        runner(`${PIPELINES} pipelines`, 'each', oneEach, backlog, folder, held.each),
      ];
      const standings = await contest({ contenders, rows: backlog.rows, runs, serverPid: backlog.serverPid, log });
      const lines = standingLines(standings).map((line, index) => ({
        ...line,
        'client CPU ÷ 1 pipeline': cpuRatio(standings[index]!, standings[0]!).toFixed(2),
        'slots and WAL senders': String((index === 1 ? held.each : held.one).walSenders),
        'other connections': String((index === 1 ? held.each : held.one).connections),
      }));
      const title = `pipelines: ${backlog.rows.toLocaleString('en')} rows of ${PIPELINES} tables`;
      return { title: `${title}, median of ${runs}`, lines };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

const slotsOf = (name: string, split: Split): string[] => split.map((_, index) => `weir_${name}_${index}`);

function configOf(name: string, split: Split, url: string): string {
  const named = split.map((tables, index) => {
    const source = { postgres: { url, tables: [tables] } };
    return [`${name}_${index}`, { source, sinks: { mirror: { duckdb: { path: `./mirror_${index}.duckdb` } } } }] as const;
  });
  // JSON is YAML.
  return JSON.stringify({ version: 1, http: false, pipelines: Object.fromEntries(named) });
}

/** A `weir run` with its start, from the same place each time; behind it source and sinks are compared row by row. */
function runner(title: string, name: string, split: Split, backlog: Backlog, folder: string, held: Held): Contender {
  const place = join(folder, `${name}-run`);
  return {
    name: title,
    async prepare(): Promise<void> {
      await rm(place, { recursive: true, force: true });
      await cp(join(folder, name), place, { recursive: true });
      for (const slot of slotsOf(name, split)) await backlog.slotAtStart(slot, slot);
    },
    async run(): Promise<Attempt> {
      const running = new AbortController();
      const watching = watch(backlog.client, held, running.signal);
      const run = await runWeir(['run', 'weir.yaml', '--until-caught-up'], place).finally(() => running.abort());
      await watching;
      return run;
    },
    check: async () => void (await runWeir(['verify', 'weir.yaml'], place)),
  };
}

/** Notes the most of what the server has to hold, until told to stop. */
async function watch(client: pg.Client, held: Held, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const { rows } = await client.query<Held>(`SELECT
      (SELECT count(*)::int FROM pg_replication_slots WHERE active) AS "walSenders",
      (SELECT count(*)::int FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()) AS connections`);
    held.walSenders = Math.max(held.walSenders, rows[0]!.walSenders);
    held.connections = Math.max(held.connections, rows[0]!.connections);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
