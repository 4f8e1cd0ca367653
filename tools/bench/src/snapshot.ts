import { fileURLToPath } from 'node:url';
import { temporaryPostgres, type TemporaryPostgres } from '@weir/services';
import pg from 'pg';
import { clientProgram } from './client-program.ts';
import { contest, standingLines, type Contender } from './contest.ts';
import { runMeasured, runNode } from './measured-process.ts';
import { profiled } from './profiled.ts';
import type { Suite } from './suite.ts';
import { toldBy } from './told.ts';

const TABLE = 'public.rows';
const PIPELINE = 'bench';
const DRAIN = fileURLToPath(new URL('contenders/drain.ts', import.meta.url));
const COPY = fileURLToPath(new URL('contenders/copy.ts', import.meta.url));

/** Tables that are copied in different ways: the source of Weir copies those without a key in one exported snapshot. */
const tables = [
  { name: 'bigint', what: 'bigint key, in the order of the table', way: 'Weir, by key', id: 'i', key: true },
  { name: 'uuid', what: 'uuid key, in no order', way: 'Weir, by key', id: 'md5(i::text)::uuid', key: true },
  { name: 'exported', what: 'no key', way: 'Weir, in an exported snapshot', id: 'i', key: false },
] as const;
type CopiedTable = (typeof tables)[number];

/**
 * How fast tables are copied: batches that are decoded and thrown away. The floor is one COPY of the table on one connection
 * whose bytes are thrown away; beside it stands psql, which writes a binary COPY to /dev/null.
 */
export const snapshot: Suite = {
  about: 'copies of tables of N rows, by key and in an exported snapshot, beside a COPY that is thrown away, and psql',
  rows: 1_000_000,
  quickRows: 100_000,
  runs: 3,
  async run({ rows, runs, log }) {
    const psql = clientProgram('psql', log);
    const lines = await eachTable(rows, log, async (table, server, client) => {
      const floors = [floor(server.url, rows), ...(psql === null ? [] : [psqlCopy(psql, server.url)])];
      const contenders = [...floors, copy(table, server.url, client, rows)];
      const standings = await contest({ contenders, rows, runs, serverPid: server.pid, log });
      const told = standingLines(standings, standings.slice(0, floors.length));
      return told.map((line) => ({ table: table.what, ...line }));
    });
    return { title: `snapshot: ${rows.toLocaleString('en')} rows of 6 columns, median of ${runs}`, lines };
  },
  async profile({ rows, log }, folder) {
    const lines = await eachTable(rows, log, async (table, server, client) => {
      const run = async (file: string): Promise<void> => {
        const contender = copy(table, server.url, client, rows, file);
        await contender.run();
        await contender.check?.();
      };
      return await profiled(table.what, `snapshot-${table.name}`, run, { folder, log });
    });
    return { title: `snapshot, profiled: ${rows.toLocaleString('en')} rows`, lines };
  },
};

type Lines = Record<string, string>[];

/** Makes one table after the other, and has something done with it. */
async function eachTable(
  rows: number,
  log: (line: string) => void,
  work: (table: CopiedTable, server: TemporaryPostgres, client: pg.Client) => Promise<Lines>,
): Promise<Lines> {
  await using server = await temporaryPostgres({ max_wal_size: '8GB', wal_level: 'logical' });
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  const lines: Lines = [];
  for (const table of tables) {
    log(`${table.what}: ${rows.toLocaleString('en')} rows`);
    await fill(client, table, rows);
    lines.push(...(await work(table, server, client)));
  }
  await client.end();
  return lines;
}

async function fill(client: pg.Client, { id, key }: CopiedTable, rows: number): Promise<void> {
  await client.query(`DROP TABLE IF EXISTS rows; CREATE TABLE rows AS SELECT ${id} AS id, i % 7 AS kind, 'row ' || i AS name,
    i / 7.0::numeric(14, 4) AS amount, now() AS at, md5(i::text) AS body FROM generate_series(1, ${rows}) i`);
  if (key) await client.query('ALTER TABLE rows ADD PRIMARY KEY (id)');
  await client.query('VACUUM ANALYZE rows');
}

function floor(url: string, rows: number): Contender {
  const input = JSON.stringify({ url, table: TABLE, rows });
  return { name: 'COPY, drained', run: async () => toldBy(await runNode(DRAIN, [], { input }), rows) };
}

/** It is started anew each time, which takes a few ms. */
function psqlCopy(program: string, url: string): Contender {
  const args = ['-X', '-q', '-d', url, '-c', `\\copy ${TABLE} TO '/dev/null' WITH (FORMAT binary)`];
  return { name: 'psql, binary COPY', run: async () => await runMeasured(program, args) };
}

/**
 * From the first pull to the last chunk: slot, publication and shapes of the tables are there before.
 * @param profile where it writes a profile; none by default
 */
function copy({ way }: CopiedTable, url: string, client: pg.Client, rows: number, profile?: string): Contender {
  const input = JSON.stringify({ url, table: TABLE, pipeline: PIPELINE });
  return {
    name: way,
    run: async () => toldBy(await runNode(COPY, [], { input, profile }), rows),
    check: async () => {
      await client.query('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots');
      await client.query(`DROP PUBLICATION IF EXISTS weir_${PIPELINE}`);
    },
  };
}
