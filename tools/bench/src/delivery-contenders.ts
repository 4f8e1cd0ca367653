import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { SLOT, type Backlog, type Load, type Start } from './backlog.ts';
import type { Attempt, Contender } from './contest.ts';
import { runWeir } from './measured-process.ts';
import type { SinkName } from './suite.ts';

export const sinkTitles: Readonly<Record<SinkName, string>> = { duckdb: 'Weir → DuckDB', postgres: 'Weir → PostgreSQL' };
/** No subscription may take longer, in ms. */
const LIMIT_MS = 30 * 60_000;

/** Lets a pipeline copy the empty tables, and remembers where it and its sink are then. */
export async function prepare(sink: SinkName, { url, client, keep }: Start, folder: string): Promise<void> {
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
export function weirTo(sink: SinkName, backlog: Backlog, prepared: string): Contender {
  return {
    name: sinkTitles[sink],
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
export function subscription({ create, table, kept }: Load, backlog: Backlog): Contender {
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
        const { rows } = await subscriber.query<{ count: number }>('SELECT count(*)::int AS count FROM ' + table);
        if (rows[0]!.count !== kept) throw new Error(`the subscription brought ${rows[0]!.count} of ${kept} rows`);
        // What it takes of the processor is the server's.
        return { seconds, cpuSeconds: 0, peakBytes: 0 };
      } finally {
        await subscriber.query('ALTER SUBSCRIPTION bench DISABLE; ALTER SUBSCRIPTION bench SET (slot_name = NONE); DROP SUBSCRIPTION IF EXISTS bench').catch(() => {});
        await subscriber.end();
      }
    },
  };
}
