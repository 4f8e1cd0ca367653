import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { temporaryPostgres } from '@weir/services';
import pg from 'pg';
import { runWeir } from './weir-process.ts';

/** What the process may have beside its buffers, in bytes. */
const BASE_BYTES = 400 * 2 ** 20;
const BUFFER_BYTES = 256 * 2 ** 20;
const PIPELINE = 'memory';

export interface MemoryOptions {
  /** Rows of the large transaction; a backlog has two and a half times as many. */
  readonly rows: number;
  /** Bytes of the large row's value. */
  readonly largeBytes: number;
  readonly sinks: readonly SinkName[];
  /** Told what is being done. */
  readonly log: (line: string) => void;
}

export type SinkName = 'duckdb' | 'postgres';

export interface MemoryResult {
  readonly sink: SinkName;
  readonly what: string;
  readonly seconds: number;
  readonly medianBytes: number;
  readonly peakBytes: number;
  /** The peak may be this at most. */
  readonly boundBytes: number;
}

/** One load on the source, made while no runner reads it. */
interface Load {
  readonly what: string;
  make(client: pg.Client): Promise<void>;
}

/**
 * The memory of a `weir run` that delivers what is hard to hold: one transaction of many rows, one row of many bytes, a
 * long backlog. Each is read from the slot after it was committed, then source and sink are compared row by row.
 */
export async function measureMemory(options: MemoryOptions): Promise<MemoryResult[]> {
  const results: MemoryResult[] = [];
  for (const sink of options.sinks) {
    await using server = await temporaryPostgres({ max_wal_size: '8GB', wal_level: 'logical' });
    await using place = await prepare(server.url, sink);
    options.log(`${sink}: an empty copy`);
    await runWeir(['run', 'weir.yaml', '--until-caught-up'], place.folder);
    for (const load of loads(options)) {
      options.log(`${sink}: ${load.what}`);
      await load.make(place.client);
      const run = await runWeir(['run', 'weir.yaml', '--until-caught-up'], place.folder);
      await runWeir(['verify', 'weir.yaml'], place.folder);
      const { seconds, medianBytes, peakBytes } = run;
      results.push({ sink, what: load.what, seconds, medianBytes, peakBytes, boundBytes: BASE_BYTES + BUFFER_BYTES });
    }
  }
  return results;
}

function loads({ rows, largeBytes }: MemoryOptions): Load[] {
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
  ];
}

interface Place extends AsyncDisposable {
  readonly folder: string;
  readonly client: pg.Client;
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
    async [Symbol.asyncDispose]() {
      await client.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
