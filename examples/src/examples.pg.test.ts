import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { temporaryPostgres } from '@weir/services';
import { duckdb } from '@weir/sink-duckdb';
import pg from 'pg';
import { expect, test } from 'vitest';

/** A program of this folder that hangs is killed then, so that the test can say so. */
const LIMIT_MS = 60_000;
const { signal } = new AbortController();

function start(program: string, url: string, file: string): ChildProcess {
  const path = fileURLToPath(new URL(program, import.meta.url));
  return spawn(process.execPath, ['--conditions=@weir/source', path, file], {
    env: { ...process.env, DATABASE_URL: url },
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
}

async function end(child: ChildProcess, by: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill(by);
    await once(child, 'exit');
  }
  return child.exitCode;
}

/** A server with `public.orders`, and a folder; both go with the test. */
async function shop() {
  const server = await temporaryPostgres();
  const folder = await mkdtemp(join(tmpdir(), 'weir-example-'));
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await client.query(`CREATE TABLE orders (id bigint PRIMARY KEY, customer text NOT NULL, total numeric(12, 2) NOT NULL);
                      INSERT INTO orders SELECT i, 'customer ' || i % 7, i / 4.0 FROM generate_series(1, 1000) i`);
  return {
    url: server.url,
    file: (name: string) => join(folder, name),
    sql: async (text: string) => (await client.query<Record<string, string>>(text)).rows,
    async [Symbol.asyncDispose]() {
      await client.end();
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const ORDERS = 'SELECT id::text AS id, customer, total::text AS total FROM orders ORDER BY orders.id';

/** Has a row when somebody reads the stream: the copy is over. */
const STREAMS = "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'";

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + LIMIT_MS;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('it did not come to that');
    await sleep(20);
  }
}

test('the pipeline in twelve lines copies, streams, stops at SIGTERM and goes on', { timeout: 2 * LIMIT_MS }, async () => {
  await using server = await shop();
  const file = server.file('shop.duckdb');
  for (const round of [1, 2]) {
    const program = start('./pipeline.ts', server.url, file);
    const id = 1000 + round;
    await until(async () => (await server.sql(STREAMS)).length > 0);
    await server.sql(`INSERT INTO orders VALUES (${id}, 'late', 1); UPDATE orders SET total = ${round} WHERE id = ${round}`);
    const [head] = await server.sql('SELECT pg_current_wal_lsn()::text AS lsn');
    const confirmed = `SELECT 1 FROM pg_replication_slots WHERE confirmed_flush_lsn >= '${head!['lsn']!}'`;
    await until(async () => (await server.sql(confirmed)).length > 0);
    expect(await end(program, 'SIGTERM')).toBe(0);
    const select = 'SELECT id::VARCHAR, customer, total::VARCHAR FROM public.orders ORDER BY id';
    const held = await duckdb({ path: file }).query!(select, 2000, signal);
    expect(held.rows).toEqual((await server.sql(ORDERS)).map(({ id: key, customer, total }) => [key, customer, total]));
  }
});

test('changes into SQLite arrive once, whenever the program is killed', { timeout: 2 * LIMIT_MS }, async () => {
  await using server = await shop();
  const file = server.file('orders.sqlite');
  const held = (): unknown[] => {
    const db = new DatabaseSync(file);
    const rows = db.prepare('SELECT CAST(id AS TEXT) AS id, customer, total FROM orders ORDER BY orders.id').all();
    db.close();
    return rows.map((row) => ({ ...row }));
  };
  let program = start('./changes-into-sqlite.ts', server.url, file);
  await until(async () => (await server.sql(STREAMS)).length > 0);
  for (let round = 0; round < 5; round++) {
    const first = 2000 + round * 100;
    await server.sql(`BEGIN;
                      INSERT INTO orders SELECT i, 'round ${round}', 0 FROM generate_series(${first}, ${first + 90}) i;
                      UPDATE orders SET total = total + 1 WHERE id % 50 = 0;
                      UPDATE orders SET id = -id WHERE id = ${round + 1};
                      DELETE FROM orders WHERE id = ${500 + round}; COMMIT`);
    await sleep(200 * round);
    await end(program, 'SIGKILL');
    program = start('./changes-into-sqlite.ts', server.url, file);
  }
  // Only the program that runs now can hold this row, so it is there to hear SIGTERM.
  await server.sql("INSERT INTO orders VALUES (3000, 'last', 0)");
  const expected = await server.sql(ORDERS);
  await until(() => JSON.stringify(held()) === JSON.stringify(expected));
  expect(await end(program, 'SIGTERM')).toBe(0);
  expect(held()).toEqual(expected);
});
