import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { Client } from 'pg';
import { expect, onTestFinished, test, vi } from 'vitest';
import { livePostmaster } from './postmaster.ts';
import { temporaryPostgres } from './temporary-postgres.ts';

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

test('a temporary server answers, and is stopped and removed on dispose', async () => {
  let directory: string;
  {
    await using server = await temporaryPostgres({ work_mem: '5MB' });
    directory = server.directory;
    const client = new Client({ connectionString: server.url });
    await client.connect();
    expect((await client.query('SHOW work_mem')).rows).toEqual([{ work_mem: '5MB' }]);
    await client.end();
    expect(livePostmaster(`${directory}/data`)?.pid).toBe(server.pid);
  }
  expect(await exists(directory)).toBe(false);
});

test('the version of a temporary server is that of the call, else of the environment, else 18', async () => {
  vi.stubEnv('WEIR_TEST_POSTGRES_VERSION', '15');
  onTestFinished(() => void vi.unstubAllEnvs());
  await using chosen = await temporaryPostgres({}, { version: 17 });
  await using fromEnvironment = await temporaryPostgres();
  vi.stubEnv('WEIR_TEST_POSTGRES_VERSION', '');
  await using byDefault = await temporaryPostgres();
  expect([chosen.version, fromEnvironment.version, byDefault.version]).toEqual([17, 15, 18]);
  vi.stubEnv('WEIR_TEST_POSTGRES_VERSION', '9.6');
  await expect(temporaryPostgres()).rejects.toThrow('WEIR_TEST_POSTGRES_VERSION is "9.6", which is no version');
});

test('a temporary server that was stopped by the test is removed as well', async () => {
  const server = await temporaryPostgres();
  await server.stop('immediate');
  await server[Symbol.asyncDispose]();
  expect(await exists(server.directory)).toBe(false);
});

test('a temporary server goes with a test process that was killed', async () => {
  const module = new URL('./temporary-postgres.ts', import.meta.url).href;
  const script = `
    import { temporaryPostgres } from ${JSON.stringify(module)};
    const server = await temporaryPostgres();
    console.log(JSON.stringify({ directory: server.directory, pid: server.pid }));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--conditions=@weir/source', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const { directory, pid } = JSON.parse(line.toString()) as { directory: string; pid: number };
  expect(livePostmaster(`${directory}/data`)?.pid).toBe(pid);
  child.kill('SIGKILL');
  await expect.poll(() => exists(directory)).toBe(false);
  expect(livePostmaster(`${directory}/data`)).toBe(null);
});
