import { chown, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedPostgres, temporaryPostgres, type TemporaryPostgres } from '@weir/services';
import { silentLogger } from '@weir/sdk';
import { memoryStore } from '@weir/store';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { loadConfig } from './config/load.ts';
import { TestFolder } from './folder.fake.ts';
import { startRuntime, type Runtime } from './runtime.ts';

// A real server that is stopped and started, and a whole pipeline.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let server: TemporaryPostgres;
let folder: TestFolder;
let data: string;

/** What the pipeline connects with; read again at every connect. */
const service: Record<string, string> = {};

beforeEach(async () => {
  server = await temporaryPostgres();
  folder = new TestFolder();
  data = String((await admin('SHOW data_directory'))['data_directory']);
  await admin("CREATE ROLE weir LOGIN REPLICATION SUPERUSER PASSWORD 'first'");
  await admin('CREATE TABLE orders (id int PRIMARY KEY)');
  Object.assign(service, { host: '127.0.0.1', port: String(server.port), user: 'weir', dbname: 'postgres', password: 'first' });
  say({});
  vi.stubEnv('PGSERVICEFILE', join(folder.path, 'services'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await server[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

function say(changes: Record<string, string>): void {
  Object.assign(service, changes);
  const lines = Object.entries(service).map(([name, value]) => `${name}=${value}`);
  folder.file('services', `[shop]\n${lines.join('\n')}\n`);
}

async function admin(sql: string, url: string = server.url): Promise<Record<string, unknown>> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows[0] ?? {};
  } finally {
    await client.end();
  }
}

/** Every connection of the pipeline ends, so it has to connect anew. */
async function disconnect(): Promise<void> {
  await admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'weir'");
}

async function start(): Promise<Runtime> {
  const file = folder.file(
    'weir.yaml',
    `version: 1
http: false
pipelines:
  shop:
    source: { postgres: { service: shop } }
    sinks: { warehouse: { duckdb: { path: ./shop.duckdb } } }
`,
  );
  return await startRuntime(loadConfig(file, {}), { log: silentLogger, store: memoryStore() });
}

const pipeline = (runtime: Runtime) => runtime.status().pipelines[0]!;

async function delivered(runtime: Runtime, rows: number): Promise<void> {
  await expect.poll(() => pipeline(runtime).sinks['warehouse']!.rows.delivered).toBeGreaterThanOrEqual(rows);
}

async function failing(runtime: Runtime, code: string): Promise<void> {
  await expect.poll(() => pipeline(runtime).failure?.code).toBe(code);
  expect(pipeline(runtime).state).toBe('retrying');
}

describe('what changes at the server while a pipeline runs is tried again until it is mended', () => {
  test('the password, the host, and a server that comes back as a standby', async () => {
    await using runtime = await start();
    const running = runtime.run();
    running.catch(() => {});
    await admin('INSERT INTO orders VALUES (1)');
    await delivered(runtime, 1);

    await admin("ALTER ROLE weir PASSWORD 'second'");
    await disconnect();
    await failing(runtime, 'WEIR_PG_AUTH');
    say({ password: 'second' });
    await admin('INSERT INTO orders VALUES (2)');
    await delivered(runtime, 2);

    say({ host: 'nowhere.invalid' });
    await disconnect();
    await expect.poll(() => pipeline(runtime).failure?.code).toMatch(/WEIR_PG_(HOST|CONNECT)/);
    say({ host: '127.0.0.1' });
    await admin('INSERT INTO orders VALUES (3)');
    await delivered(runtime, 3);

    const standby = join(data, 'standby.signal');
    const { uid, gid } = await stat(data);
    await server.stop();
    await writeFile(standby, '');
    await chown(standby, uid, gid);
    const recovering = await EmbeddedPostgres.start({ directory: server.directory });
    say({ port: String(recovering.port) });
    await failing(runtime, 'WEIR_PG_STANDBY');
    await recovering.stop();
    await rm(standby);
    await using again = await EmbeddedPostgres.start({ directory: server.directory });
    say({ port: String(again.port) });
    await admin('INSERT INTO orders VALUES (4)', again.url);
    await delivered(runtime, 4);
    runtime.stop();
    await running;
  });

  test('before it has run once, the same answers stop it at once', async () => {
    for (const [changes, code] of [
      [{ password: 'wrong' }, 'WEIR_PG_AUTH'],
      [{ password: 'first', dbname: 'nowhere' }, 'WEIR_PG_DATABASE'],
    ] as const) {
      say(changes);
      await using runtime = await start();
      await expect(runtime.run()).rejects.toMatchObject({ code, policy: { exit: 3 } });
    }
  });
});
