import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { SLOT, makeBacklog, orders, tiny, type Backlog, type Load, type Start } from './backlog.ts';
import { contest, standingLines, type Attempt, type Contender } from './contest.ts';
import { runWeir } from './measured-process.ts';
import { pgRecvlogical, recvlogicalOf } from './stream.ts';
import type { Report, SinkName, Suite, SuiteOptions } from './suite.ts';

const NAMES: Readonly<Record<SinkName, string>> = { duckdb: 'Weir → DuckDB', postgres: 'Weir → PostgreSQL' };
/** No subscription may take longer, in ms. */
const LIMIT_MS = 30 * 60_000;

/** A backlog of large transactions, delivered and durable. */
export const delivery: Suite = {
  about: 'a backlog, from PostgreSQL into each sink and durable there, beside pg_recvlogical, which keeps nothing, and a subscription',
  rows: 1_000_000,
  quickRows: 200_000,
  runs: 5,
  run: async (options) => await deliver('delivery', orders(options.rows), options),
};

/** The same of transactions of one row. */
export const tinyDelivery: Suite = {
  about: 'the same with transactions of one row',
  rows: 100_000,
  quickRows: null,
  runs: 5,
  run: async (options) => await deliver('tiny', tiny(options.rows), options),
};

async function deliver(what: string, load: Load, { runs, sinks, log }: SuiteOptions): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'weir-bench-'));
  try {
    log(`a backlog of ${load.rows.toLocaleString('en')} rows`);
    await using backlog = await makeBacklog(load, async (start) => {
      for (const sink of sinks) await prepare(sink, start, join(folder, sink));
    });
    const recvlogical = pgRecvlogical();
    if (recvlogical === null) throw new Error('pg_recvlogical is not installed: apt-get install postgresql-client');
    const contenders = [
      recvlogicalOf(recvlogical, backlog),
      ...sinks.map((sink) => weirTo(sink, backlog, join(folder, sink))),
      subscription(load, backlog),
    ];
    const standings = await contest({ contenders, rows: backlog.rows, runs, serverPid: backlog.serverPid, log });
    const title = `${what}: ${backlog.rows.toLocaleString('en')} rows in ${load.transactions.length.toLocaleString('en')} transactions`;
    return { title: `${title}, median of ${runs}`, lines: standingLines(standings) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Lets a pipeline copy the empty tables, and remembers where it and its sink are then. */
async function prepare(sink: SinkName, { url, client, keep }: Start, folder: string): Promise<void> {
  if (sink === 'postgres') await client.query('CREATE DATABASE mirror');
  await mkdir(folder);
  await writeFile(join(folder, 'weir.yaml'), configOf(sink, url, 'mirror'));
  await runWeir(['run', 'weir.yaml', '--until-caught-up'], folder);
  await keep(slotOf(sink));
}

const slotOf = (sink: SinkName): string => `weir_to_${sink}`;

function configOf(sink: SinkName, url: string, database: string): string {
  const block = sink === 'duckdb' ? { path: './mirror.duckdb' } : { url: Object.assign(new URL(url), { pathname: `/${database}` }).href };
  const source = { postgres: { url, tables: ['public.*'] } };
  const pipelines = { [`to_${sink}`]: { source, sinks: { mirror: { [sink]: block } } } };
  // JSON is YAML.
  return JSON.stringify({ version: 1, http: false, pipelines });
}

/** A `weir run` with its start, from the same place each time; behind it source and sink are compared row by row. */
function weirTo(sink: SinkName, backlog: Backlog, prepared: string): Contender {
  return {
    name: NAMES[sink],
    async run(): Promise<Attempt> {
      const { client, url } = backlog;
      const folder = `${prepared}-run`;
      await cp(prepared, folder, { recursive: true });
      await backlog.slotAtStart(slotOf(sink), slotOf(sink));
      if (sink === 'postgres') {
        await client.query('DROP DATABASE IF EXISTS mirror_run');
        await client.query('CREATE DATABASE mirror_run TEMPLATE mirror');
        await writeFile(join(folder, 'weir.yaml'), configOf(sink, url, 'mirror_run'));
      }
      const run = await runWeir(['run', 'weir.yaml', '--until-caught-up'], folder);
      await runWeir(['verify', 'weir.yaml'], folder);
      await rm(folder, { recursive: true });
      return run;
    },
  };
}

/** The server's own logical replication, into another database of the same server. */
function subscription({ create }: Load, backlog: Backlog): Contender {
  const slot = 'bench_subscription';
  return {
    name: 'native subscription',
    async run(): Promise<Attempt> {
      const { client, url, end } = backlog;
      await backlog.slotAtStart(slot);
      await client.query('DROP DATABASE IF EXISTS subscriber');
      await client.query('CREATE DATABASE subscriber');
      const subscriber = new pg.Client(Object.assign(new URL(url), { pathname: '/subscriber' }).href);
      await subscriber.connect();
      try {
        await subscriber.query(create);
        const started = performance.now();
        await subscriber.query(`CREATE SUBSCRIPTION bench CONNECTION '${url}' PUBLICATION ${SLOT}
          WITH (create_slot = false, slot_name = ${slot}, copy_data = false)`);
        const isThere = 'SELECT confirmed_flush_lsn >= $2::pg_lsn AS there FROM pg_replication_slots WHERE slot_name = $1';
        while ((await client.query<{ there: boolean }>(isThere, [slot, end])).rows[0]?.there !== true) {
          if (performance.now() - started > LIMIT_MS) throw new Error('the subscription did not get to the end');
          await sleep(10);
        }
        const seconds = (performance.now() - started) / 1000;
        const { rows } = await subscriber.query<{ count: number }>('SELECT count(*)::int AS count FROM orders');
        if (rows[0]!.count !== backlog.rows) throw new Error(`the subscription brought ${rows[0]!.count} of ${backlog.rows} rows`);
        // What it takes of the processor is the server's.
        return { seconds, cpuSeconds: 0, peakBytes: 0 };
      } finally {
        await subscriber.query('ALTER SUBSCRIPTION bench DISABLE; ALTER SUBSCRIPTION bench SET (slot_name = NONE); DROP SUBSCRIPTION IF EXISTS bench').catch(() => {});
        await subscriber.end();
      }
    },
  };
}
