import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../config/load.ts';
import { DemoDirectory, lent } from './demo-directory.ts';

const URL = 'postgres://postgres:s3cret@127.0.0.1:5432/postgres';

async function newDirectory(): Promise<{ path: string; demo: DemoDirectory } & AsyncDisposable> {
  const root = await mkdtemp(join(tmpdir(), 'weir-demo-'));
  const path = join(root, 'demo');
  return { path, demo: new DemoDirectory(path), [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) };
}

test('the configuration it writes is a valid one, and the password is in a private file beside it', async () => {
  await using made = await newDirectory();
  await mkdir(made.path);
  await made.demo.writeConfig(URL);
  const config = loadConfig(made.demo.config, {});
  expect([...config.pipelines.keys()]).toEqual(['shop']);
  expect(config.stateDirectory).toBe(join(made.path, 'state'));
  expect(await readFile(made.demo.config, 'utf8')).not.toContain('s3cret');
  expect((await stat(join(made.path, 'shop.url'))).mode & 0o777).toBe(0o600);
});

test('another start writes the configuration again, with the new address', async () => {
  await using made = await newDirectory();
  await mkdir(made.path);
  await made.demo.writeConfig(URL);
  await made.demo.writeConfig(URL.replace('5432', '6543'));
  expect(await readFile(join(made.path, 'shop.url'), 'utf8')).toBe(`${URL.replace('5432', '6543')}\n`);
});

test('when the usual port is taken, metrics get any free one', async () => {
  await using made = await newDirectory();
  await mkdir(made.path);
  const other = createServer();
  other.on('error', () => {});
  other.listen(9464, '127.0.0.1');
  await Promise.race([once(other, 'listening'), once(other, 'error')]);
  await made.demo.writeConfig(URL);
  other.close();
  expect(loadConfig(made.demo.config, {}).http).toEqual({ host: '127.0.0.1', port: 0 });
});

test('one process has the folder at a time', async () => {
  await using made = await newDirectory();
  const first = await made.demo.lock(false);
  await expect(new DemoDirectory(made.path).lock(true)).rejects.toMatchObject({
    code: 'WEIR_STORE_LOCKED',
    message: expect.stringContaining('another demo runs in') as unknown,
  });
  await lent(first)[Symbol.asyncDispose]();
  await expect(made.demo.lock(false)).rejects.toMatchObject({ code: 'WEIR_STORE_LOCKED' });
  await first[Symbol.asyncDispose]();
  await using _second = await made.demo.lock(false);
});

test('a state that cannot be read is thrown away by a fresh start only', async () => {
  await using made = await newDirectory();
  await mkdir(join(made.path, 'state'), { recursive: true });
  await writeFile(join(made.path, 'state', 'weir.sqlite'), 'no database, but long enough to be read as one'.repeat(50));
  await expect(made.demo.lock(false)).rejects.toMatchObject({ code: 'WEIR_STORE_OPEN' });
  await using _store = await made.demo.lock(true);
});

test('a configuration that is not the demo’s is not replaced', async () => {
  await using made = await newDirectory();
  await mkdir(made.path);
  await writeFile(made.demo.config, 'version: 1\n');
  await expect(made.demo.lock(true)).rejects.toMatchObject({ code: 'WEIR_USAGE' });
  expect(await readFile(made.demo.config, 'utf8')).toBe('version: 1\n');
});

test('clear removes what is the demo’s and nothing else', async () => {
  await using made = await newDirectory();
  await mkdir(made.path);
  await made.demo.writeConfig(URL);
  for (const name of ['shop.duckdb', 'shop.duckdb.wal', 'mine.txt']) await writeFile(join(made.path, name), '');
  await made.demo.clear();
  expect(await readdir(made.path)).toEqual(['mine.txt']);
});
