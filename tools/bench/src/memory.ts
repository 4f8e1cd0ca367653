import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryPostgres } from '@weir/services';
import pg from 'pg';
import { runWeir } from './measured-process.ts';
import type { SinkName, Suite, SuiteOptions } from './suite.ts';

/** What the process may have beside its buffers, in bytes. */
const BASE_BYTES = 400 * 2 ** 20;
const BUFFER_BYTES = 256 * 2 ** 20;
const PIPELINE = 'memory';

/** How long a sink hangs, in ms; well below the 30 s that it waits for a lock. */
const HANG_MS = 20_000;

/** One load on the source, made while no runner reads it. */
interface Load {
  readonly what: string;
  /** Has the sink hang from the start of the runner on; only where a sink is a server. */
  readonly hangs?: true;
  make(client: pg.Client): Promise<void>;
}

/**
 * The memory of a `weir run` that delivers what is hard to hold: one transaction of many rows, one row of many bytes, a
 * long backlog. Each is read from the slot after it was committed, then source and sink are compared row by row.
 */
export const memory: Suite = {
  about: 'peak memory of a runner that delivers a transaction of N rows, a row of BYTES and a backlog of 2.5 N rows',
  rows: 2_000_000,
  quickRows: null,
  runs: 1,
  async run(options) {
    const lines: Record<string, string>[] = [];
    for (const sink of options.sinks) {
      await using server = await temporaryPostgres({ max_wal_size: '8GB', wal_level: 'logical' });
      await using place = await prepare(server.url, sink);
      options.log(`${sink}: an empty copy`);
      await runWeir(['run', 'weir.yaml', '--until-caught-up'], place.folder);
      for (const load of loads(options)) {
        if (load.hangs && sink !== 'postgres') continue;
        options.log(`${sink}: ${load.what}`);
        await load.make(place.client);
        const hanging = load.hangs ? await hang(place.mirror) : null;
        const { seconds, medianBytes, peakBytes } = await runWeir(['run', 'weir.yaml', '--until-caught-up'], place.folder);
        await hanging?.done;
        await runWeir(['verify', 'weir.yaml'], place.folder);
        const bytes = { 'median MiB': medianBytes, 'peak MiB': peakBytes, 'bound MiB': BASE_BYTES + BUFFER_BYTES };
        const mebibytes = Object.entries(bytes).map(([name, value]) => [name, String(Math.round(value / 2 ** 20))] as const);
        lines.push({ sink, what: load.what, seconds: seconds.toFixed(1), ...Object.fromEntries(mebibytes) });
      }
    }
    return { title: 'memory of a runner', lines };
  },
};

function loads({ rows, largeBytes }: SuiteOptions): Load[] {
  const insert = 'INSERT INTO events (kind, body, amount) SELECT i % 7, md5(i::text) || md5((-i)::text), i / 7.0';
  const transactions = 500;
  const each = Math.ceil((rows * 2.5) / transactions);
  return [
    {
      what: `a transaction of ${rows.toLocaleString('en')} rows`,
      make: async (client) => void (await client.query(`${insert} FROM generate_series(1, ${rows}) i`)),
    },
    {
      what: `a row of ${Math.round(largeBytes / 2 ** 20)} MiB`,
      make: async (client) => {
        const sql = "INSERT INTO large (body) SELECT decode(repeat(md5('x'), $1::int), 'hex')";
        await client.query(sql, [Math.ceil(largeBytes / 16)]);
      },
    },
    {
      what: `a backlog of ${(each * transactions).toLocaleString('en')} rows in ${transactions} transactions`,
      make: async (client) => {
        for (let at = 0; at < transactions; at++) await client.query(`${insert} FROM generate_series(1, ${each}) i`);
      },
    },
    {
      what: `${rows.toLocaleString('en')} rows in 100 transactions, while the sink hangs for ${HANG_MS / 1000} s`,
      hangs: true,
      make: async (client) => {
        for (let at = 0; at < 100; at++) await client.query(`${insert} FROM generate_series(1, ${Math.ceil(rows / 100)}) i`);
      },
    },
  ];
}

/** Locks the mirror. @returns when it is locked; what is returned resolves when it is not any more */
async function hang(url: string): Promise<{ done: Promise<void> }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('BEGIN; LOCK TABLE public.events IN ACCESS EXCLUSIVE MODE');
  return { done: sleep(HANG_MS).then(async () => await client.end()) };
}

interface Place extends AsyncDisposable {
  readonly folder: string;
  readonly client: pg.Client;
  /** Of the database of the PostgreSQL sink. */
  readonly mirror: string;
}

async function prepare(url: string, sink: SinkName): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'weir-bench-'));
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(
    `CREATE TABLE events (id bigserial PRIMARY KEY, kind int, body text, amount numeric(14, 4), at timestamptz DEFAULT now());
     CREATE TABLE large (id serial PRIMARY KEY, body bytea)`,
  );
  if (sink === 'postgres') await client.query('CREATE DATABASE mirror');
  const mirror = new URL(url);
  mirror.pathname = '/mirror';
  const block = sink === 'duckdb' ? 'duckdb: { path: ./mirror.duckdb }' : `postgres: { url: "${mirror.href}" }`;
  await writeFile(
    join(folder, 'weir.yaml'),
    `version: 1
http: false
pipelines:
  ${PIPELINE}:
    source: { postgres: { url: "${url}", tables: [public.*] } }
    sinks: { mirror: { ${block} } }
    buffer_bytes: ${BUFFER_BYTES}
`,
  );
  return {
    folder,
    client,
    mirror: mirror.href,
    async [Symbol.asyncDispose]() {
      await client.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
