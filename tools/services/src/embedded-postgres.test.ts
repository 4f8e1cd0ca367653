import { WeirError } from '@weir/sdk';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import { EmbeddedPostgres } from './embedded-postgres.ts';
import { isAlive } from './is-alive.ts';
import { availableVersions } from './postgres-binaries.ts';
import { findHome } from './postgres-place.ts';
import { isRoot } from './unprivileged-account.ts';

const folders: string[] = [];

/** A folder that the server's account can reach, with its server stopped and removed after the test. */
async function newDirectory(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'weir-services-'));
  await chmod(folder, 0o755);
  folders.push(folder);
  return join(folder, 'postgres');
}

afterEach(async () => {
  for (const folder of folders.splice(0)) {
    await EmbeddedPostgres.remove(join(folder, 'postgres'));
    await rm(folder, { recursive: true, force: true });
  }
});

async function ask(url: string, sql: string): Promise<unknown> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<unknown[]>({ text: sql, rowMode: 'array' });
    return rows[0]?.[0];
  } finally {
    await client.end();
  }
}

/** Another process that starts the server of a directory, prints what it got when it is ready for a signal, and waits for one. */
function spawnStarter(directory: string): ChildProcess {
  const module = new URL('./embedded-postgres.ts', import.meta.url).href;
  const script = `
    import { EmbeddedPostgres } from ${JSON.stringify(module)};
    const server = await EmbeddedPostgres.start({ directory: ${JSON.stringify(directory)} });
    process.on('SIGTERM', () => process.exit());
    console.log(JSON.stringify({ url: server.url, pid: server.pid }));
    setInterval(() => {}, 1000);`;
  return spawn(process.execPath, ['--conditions=@weir/source', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function startInChild(directory: string): Promise<{ child: ChildProcess; url: string; pid: number }> {
  const child = spawnStarter(directory);
  const [line] = (await once(child.stdout!, 'data')) as [Buffer];
  return { child, ...(JSON.parse(line.toString()) as { url: string; pid: number }) };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
}

describe('EmbeddedPostgres', () => {
  test.each(availableVersions())('starts a durable PostgreSQL %i, ready for logical replication', async (version) => {
    await using server = await EmbeddedPostgres.start({ directory: await newDirectory(), version });
    expect(server.version).toBe(version);
    expect(String(await ask(server.url, 'SHOW server_version_num')).slice(0, 2)).toBe(String(version));
    const wanted = { wal_level: 'logical', fsync: 'on', listen_addresses: '127.0.0.1', server_encoding: 'UTF8' };
    for (const [name, value] of Object.entries(wanted)) expect(await ask(server.url, `SHOW ${name}`), name).toBe(value);
    await ask(server.url, `SELECT pg_create_logical_replication_slot('probe', 'pgoutput')`);
  });

  test('starts 18 unless another is asked for', async () => {
    await using server = await EmbeddedPostgres.start({ directory: await newDirectory() });
    expect(server.version).toBe(18);
  });

  test('goes on with the version of the data, and refuses to open it with another', async () => {
    const directory = await newDirectory();
    const older = await EmbeddedPostgres.start({ directory, version: 16 });
    await older.stop();
    await expect(EmbeddedPostgres.start({ directory, version: 18 })).rejects.toMatchObject({
      code: 'WEIR_DEMO_POSTGRES',
      message: expect.stringContaining('is of PostgreSQL 16, not 18') as unknown,
    });
    await using again = await EmbeddedPostgres.start({ directory });
    expect(again.version).toBe(16);
  });

  test('refuses a wrong password', async () => {
    await using server = await EmbeddedPostgres.start({ directory: await newDirectory() });
    const wrong = server.url.replace(/:[^:@]+@/, ':wrong@');
    await expect(ask(wrong, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  });

  test('takes settings', async () => {
    await using server = await EmbeddedPostgres.start({
      directory: await newDirectory(),
      settings: { max_slot_wal_keep_size: '64MB' },
    });
    expect(await ask(server.url, 'SHOW max_slot_wal_keep_size')).toBe('64MB');
  });

  test('a refused setting is an error with the end of the log', async () => {
    const start = EmbeddedPostgres.start({ directory: await newDirectory(), settings: { wal_level: 'nonsense' } });
    await expect(start).rejects.toThrow(WeirError);
    await expect(start).rejects.toMatchObject({
      code: 'WEIR_DEMO_POSTGRES',
      message: expect.stringContaining('invalid value for parameter "wal_level"') as unknown,
    });
  });

  test.each(['fast', 'immediate'] as const)('keeps data and password over a stop (%s) and another start', async (mode) => {
    const directory = await newDirectory();
    const first = await EmbeddedPostgres.start({ directory });
    await ask(first.url, 'CREATE TABLE kept AS SELECT 42 AS value');
    await first.stop(mode);
    expect(isAlive(first.pid)).toBe(false);
    await first.stop();
    await using second = await EmbeddedPostgres.start({ directory });
    expect(await ask(second.url, 'SELECT value FROM kept')).toBe(42);
    expect(new URL(second.url).password).toBe(new URL(first.url).password);
  });

  test('attaches to the server of a process that was killed, and stops it', async () => {
    const directory = await newDirectory();
    const { child, url, pid } = await startInChild(directory);
    await end(child, 'SIGKILL');
    const lines: string[] = [];
    const server = await EmbeddedPostgres.start({ directory, log: (line) => lines.push(line) });
    expect({ url: server.url, pid: server.pid }).toEqual({ url, pid });
    expect(lines).toEqual([`PostgreSQL still runs on port ${server.port}; using it`]);
    await server.stop();
    expect(await EmbeddedPostgres.start({ directory }).then((again) => again.stop().then(() => again.pid))).not.toBe(pid);
  });

  test('starts while the server of before still shuts down', async () => {
    const directory = await newDirectory();
    const first = await EmbeddedPostgres.start({ directory });
    process.kill(first.pid, 'SIGINT');
    await using second = await EmbeddedPostgres.start({ directory });
    expect(await ask(second.url, 'SELECT 1')).toBe(1);
  });

  test('a server that was left running is not stopped by dispose', async () => {
    const directory = await newDirectory();
    {
      await using server = await EmbeddedPostgres.start({ directory });
      server.leaveRunning();
    }
    await using again = await EmbeddedPostgres.start({ directory });
    expect(await ask(again.url, 'SELECT 1')).toBe(1);
  });

  test('the end of a process that forgot to stop its server stops it', async () => {
    const { child, pid } = await startInChild(await newDirectory());
    expect(isAlive(pid)).toBe(true);
    await end(child, 'SIGTERM');
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  test('an initdb that was interrupted is done again', async () => {
    const directory = await newDirectory();
    await mkdir(join(directory, 'initdb-0123'), { recursive: true });
    await writeFile(join(directory, 'initdb-0123', 'PG_VERSION'), '18\n');
    await using server = await EmbeddedPostgres.start({ directory });
    expect(await ask(server.url, 'SELECT 1')).toBe(1);
    const home = (await findHome(directory))!;
    expect((await readdir(home)).filter((name) => name.startsWith('initdb-'))).toEqual([]);
  });

  test.each([150, 300, 450, 600, 900])('a first start killed after %i ms does not stop the next', async (delayMs) => {
    const directory = await newDirectory();
    const child = spawnStarter(directory);
    await sleep(delayMs);
    await end(child, 'SIGKILL');
    await using server = await EmbeddedPostgres.start({ directory });
    expect(await ask(server.url, 'SELECT 1')).toBe(1);
  });

  test('the password is for the owner only', async () => {
    const directory = await newDirectory();
    await using _server = await EmbeddedPostgres.start({ directory });
    expect((await stat(join(directory, 'password'))).mode & 0o777).toBe(0o600);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
  });

  test('remove stops a live server and leaves nothing', async () => {
    const directory = await newDirectory();
    const { child, pid } = await startInChild(directory);
    await end(child, 'SIGKILL');
    await EmbeddedPostgres.remove(directory);
    expect(isAlive(pid)).toBe(false);
    await expect(stat(directory)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe.runIf(isRoot())('EmbeddedPostgres as root', () => {
  test('keeps its data elsewhere when the directory is out of reach, and finds it again', async () => {
    const directory = await newDirectory();
    await chmod(join(directory, '..'), 0o700);
    const first = await EmbeddedPostgres.start({ directory });
    await ask(first.url, 'CREATE TABLE kept AS SELECT 42 AS value');
    await first.stop();
    const home = (await findHome(directory))!;
    expect(home).not.toBe(directory);
    expect((await stat(home)).mode & 0o777).toBe(0o700);
    await using second = await EmbeddedPostgres.start({ directory });
    expect(await ask(second.url, 'SELECT value FROM kept')).toBe(42);
    await second.stop();
    await EmbeddedPostgres.remove(directory);
    await expect(stat(home)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
