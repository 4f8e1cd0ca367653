import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { SLOT, type Backlog, type Load, type Start } from './backlog.ts';
import type { Attempt, Contender } from './contest.ts';
import { runWeir } from './measured-process.ts';
import { catchUpAt, type Way } from './stream-contenders.ts';
import type { SinkName } from './suite.ts';

export const sinkTitles: Readonly<Record<SinkName, string>> = { duckdb: 'Weir → DuckDB', postgres: 'Weir → PostgreSQL' };

/** How a pipeline is run. */
export interface Run {
  /** It catches up by default, as it would by itself from 64 MiB on. */
  readonly way?: Way;
  /** Where it writes a profile; none by default. */
  readonly profile?: string | undefined;
}
/** No subscription may take longer, in ms. */
const LIMIT_MS = 30 * 60_000;

/** Lets a pipeline copy the empty tables, and remembers where it and its sink are then. */
export async function prepare(sink: SinkName, { url, client, keep }: Start, folder: string): Promise<void> {
  if (sink === 'postgres') await client.query('CREATE DATABASE mirror');
  await mkdir(folder);
  await writeFile(join(folder, 'weir.yaml'), configOf(sink, url, 'mirror', {}));
  await runWeir(['run', 'weir.yaml', '--until-caught-up'], folder);
  await keep(slotOf(sink));
}

const slotOf = (sink: SinkName): string => `weir_to_${sink}`;

function configOf(sink: SinkName, url: string, database: string, { way = 'catches up' }: Run): string {
  const block = sink === 'duckdb' ? { path: './mirror.duckdb' } : { url: Object.assign(new URL(url), { pathname: `/${database}` }).href };
  const source = { postgres: { url, tables: ['public.*'], catch_up_at: catchUpAt[way] } };
  const pipelines = { [`to_${sink}`]: { source, sinks: { mirror: { [sink]: block } } } };
  // JSON is YAML.
  return JSON.stringify({ version: 1, http: false, pipelines });
}

/** A `weir run` with its start, from the same place each time; behind it source and sink are compared row by row. */
export function weirTo(sink: SinkName, backlog: Backlog, prepared: string, options: Run = {}): Contender {
  const { client, url } = backlog;
  const folder = `${prepared}-run`;
  return {
    name: options.way === 'streams' ? `${sinkTitles[sink]}, streaming` : sinkTitles[sink],
    async prepare(): Promise<void> {
      await rm(folder, { recursive: true, force: true });
      await cp(prepared, folder, { recursive: true });
      await backlog.slotAtStart(slotOf(sink), slotOf(sink));
      await writeFile(join(folder, 'weir.yaml'), configOf(sink, url, 'mirror_run', options));
      if (sink !== 'postgres') return;
      await client.query('DROP DATABASE IF EXISTS mirror_run');
      await client.query('CREATE DATABASE mirror_run TEMPLATE mirror');
    },
    run: async () => await runWeir(['run', 'weir.yaml', '--until-caught-up'], folder, options.profile),
    check: async () => void (await runWeir(['verify', 'weir.yaml'], folder)),
  };
}

/** The server's own logical replication, into another database of the same server. */
export function subscription({ create, table, kept }: Load, backlog: Backlog): Contender {
  const { client, url, end } = backlog;
  const slot = 'bench_subscription';
  let subscriber: pg.Client | null = null;
  return {
    name: 'native subscription',
    async prepare(): Promise<void> {
      await backlog.slotAtStart(slot);
      await client.query('DROP DATABASE IF EXISTS subscriber');
      await client.query('CREATE DATABASE subscriber');
      subscriber = new pg.Client(Object.assign(new URL(url), { pathname: '/subscriber' }).href);
      // When its server is stopped because a run failed, that failure is what matters.
      subscriber.on('error', () => {});
      await subscriber.connect();
      await subscriber.query(create);
    },
    async run(): Promise<Attempt> {
      const started = performance.now();
      await subscriber!.query(`CREATE SUBSCRIPTION bench CONNECTION '${url}' PUBLICATION ${SLOT}
        WITH (create_slot = false, slot_name = ${slot}, copy_data = false)`);
      const isThere = 'SELECT confirmed_flush_lsn >= $2::pg_lsn AS there FROM pg_replication_slots WHERE slot_name = $1';
      while ((await client.query<{ there: boolean }>(isThere, [slot, end])).rows[0]?.there !== true) {
        if (performance.now() - started > LIMIT_MS) throw new Error('the subscription did not get to the end');
        await sleep(10);
      }
      // What it takes of the processor is the server's.
      return { seconds: (performance.now() - started) / 1000, cpuSeconds: 0, peakBytes: 0 };
    },
    async check(): Promise<void> {
      const { rows } = await subscriber!.query<{ count: number }>('SELECT count(*)::int AS count FROM ' + table);
      await subscriber!.query('ALTER SUBSCRIPTION bench DISABLE');
      await subscriber!.query('ALTER SUBSCRIPTION bench SET (slot_name = NONE)');
      await subscriber!.query('DROP SUBSCRIPTION bench');
      await subscriber!.end();
      if (rows[0]!.count !== kept) throw new Error(`the subscription brought ${rows[0]!.count} of ${kept} rows`);
    },
  };
}
