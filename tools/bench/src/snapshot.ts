import { performance } from 'node:perf_hooks';
import { connect, Wire } from '@weir/postgres';
import { secret } from '@weir/sdk';
import { temporaryPostgres } from '@weir/services';
import { postgres } from '@weir/source-postgres';
import pg from 'pg';
import { median } from './median.ts';
import type { Suite } from './suite.ts';

const READY_FOR_QUERY = 0x5a;
const TABLES = {
  'bigint key, in the order of the table': 'i',
  'uuid key, in no order': "md5(i::text)::uuid",
} as const;

/**
 * How fast tables are copied by key: batches that are decoded and thrown away. The floor is one COPY of the table on one
 * connection whose bytes are thrown away. Alternating.
 */
export const snapshot: Suite = {
  about: 'copies of tables of N rows by key, against one COPY of the table whose bytes are thrown away',
  rows: 1_000_000,
  quickRows: 100_000,
  runs: 3,
  async run({ rows, runs, log }) {
    await using server = await temporaryPostgres({ max_wal_size: '8GB' });
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    const lines: Record<string, string>[] = [];
    for (const [table, key] of Object.entries(TABLES)) {
      log(`${table}: ${rows.toLocaleString('en')} rows`);
      await client.query(`DROP TABLE IF EXISTS rows; CREATE TABLE rows AS SELECT ${key} AS id, i % 7 AS kind, 'row ' || i AS name,
        i / 7.0::numeric(14, 4) AS amount, now() AS at, md5(i::text) AS body FROM generate_series(1, ${rows}) i;
        ALTER TABLE rows ADD PRIMARY KEY (id)`);
      await client.query('VACUUM ANALYZE rows');
      const pairs: { copy: number; floor: number }[] = [];
      for (let run = 0; run < runs; run++) pairs.push({ copy: await copy(server.url, client, rows), floor: await floor(server.url) });
      const rate = (seconds: number): string => (rows / seconds / 1e6).toFixed(2);
      lines.push({
        table,
        'M rows': String(rows / 1e6),
        'copy, M rows/s': rate(median(pairs.map((pair) => pair.copy))),
        'floor, M rows/s': rate(median(pairs.map((pair) => pair.floor))),
        'copy ÷ floor': median(pairs.map((pair) => pair.floor / pair.copy)).toFixed(2),
      });
    }
    await client.end();
    return { title: `copies by key, median of ${runs}`, lines };
  },
};

/** Seconds from the first pull to the last chunk. */
async function copy(url: string, client: pg.Client, rows: number): Promise<number> {
  const abort = new AbortController();
  const source = postgres({ url, tables: ['public.rows'] }, { pipeline: 'bench' });
  {
    await using session = await source.open(null, abort.signal);
    const started = performance.now();
    let copied = 0;
    for await (const batch of session.batches(abort.signal)) {
      copied += batch.rows;
      batch.release();
      if (batch.chunk?.last !== true) continue;
      if (copied !== rows) throw new Error(`${copied} of ${rows} rows were copied`);
      const seconds = (performance.now() - started) / 1000;
      abort.abort();
      await session[Symbol.asyncDispose]();
      await client.query("SELECT pg_drop_replication_slot('weir_bench')");
      return seconds;
    }
  }
  throw new Error('the copy did not end');
}

async function floor(url: string): Promise<number> {
  await using wire = new Wire(await connect({ url: secret.parse(url) }, new AbortController().signal));
  const started = performance.now();
  await new Promise<void>((resolve, reject) => {
    wire.onFailure = reject;
    // ReadyForQuery is the last message, of six bytes.
    wire.onData = (chunk) => {
      if (chunk.length >= 6 && chunk[chunk.length - 6] === READY_FOR_QUERY) resolve();
    };
    wire.query('COPY rows TO STDOUT');
  });
  return (performance.now() - started) / 1000;
}
