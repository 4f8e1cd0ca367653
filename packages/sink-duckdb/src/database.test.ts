import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { Child } from '@weir/testkit';
import { ask, ordersTable, withOrders } from '@weir/testkit/orders';
import { openDatabase, type Database } from './database.ts';
import { behindItsBack } from './testing/behind-its-back.ts';
import { TemporaryDatabase } from './testing/temporary-database.ts';

const never = new AbortController().signal;

function open(path: string): Promise<Database> {
  return openDatabase(path, { memoryLimit: 100 * 2 ** 20, threads: 1 });
}

async function setting(database: Database, name: string): Promise<string> {
  const connection = await database.connect();
  const result = await connection.run(`SELECT current_setting('${name}')`);
  const value = String((await result.getRows())[0]![0]);
  connection.closeSync();
  return value;
}

async function blockBytes(database: Database): Promise<number> {
  const connection = await database.connect();
  const result = await connection.run('SELECT block_size FROM pragma_database_size()');
  const bytes = Number((await result.getRows())[0]![0]);
  connection.closeSync();
  return bytes;
}

describe('a database file', () => {
  it('has blocks of 64 KiB where it is new, and keeps those that it was made with', async () => {
    await using fresh = await TemporaryDatabase.make();
    const made = await open(fresh.path);
    expect(await blockBytes(made)).toBe(64 * 2 ** 10);
    await made.release();
    await using given = await TemporaryDatabase.make();
    (await DuckDBInstance.create(given.path)).closeSync();
    const opened = await open(given.path);
    expect(await blockBytes(opened)).toBe(256 * 2 ** 10);
    await opened.release();
  });

  it('that another process has open is told with its holder', async () => {
    await using database = await TemporaryDatabase.make();
    await using holder = new Child(new URL('./testing/hold-database.ts', import.meta.url), [database.path]);
    expect(await holder.line()).toBe('open');
    await expect(open(database.path)).rejects.toMatchObject({
      code: 'WEIR_DUCKDB_LOCKED',
      message: expect.stringContaining(`PID ${holder.pid}`) as string,
      path: 'path',
    });
    expect(await database.sink().check(never)).toContainEqual(
      expect.objectContaining({ code: 'WEIR_DUCKDB_LOCKED', level: 'error' }),
    );
    expect(await holder.end()).toBe(0);
    await (await open(database.path)).release();
  });

  it('is kept from other processes while it is open, and free once all let go', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    const orders = ordersTable();
    const session = await withOrders(sink, orders, [{ id: 1, note: 'one', amount: '1.00' }]);
    expect(await ask(sink, 'SELECT id FROM public.orders')).toEqual([['1']]);
    for await (const batch of sink.scan!(orders, never)) batch.release();
    // A scan that its reader leaves early holds nothing.
    for await (const batch of sink.scan!(orders, never)) {
      batch.release();
      break;
    }
    await using refused = new Child(new URL('./testing/hold-database.ts', import.meta.url), [database.path]);
    expect(await refused.line()).toMatch(new RegExp(`^WEIR_DUCKDB_LOCKED .*PID ${process.pid}`));
    await session[Symbol.asyncDispose]();
    await using allowed = new Child(new URL('./testing/hold-database.ts', import.meta.url), [database.path]);
    expect(await allowed.line()).toBe('open');
  });

  it('is open once in a process, whatever way leads to it', async () => {
    await using database = await TemporaryDatabase.make();
    const [one, two, three] = await Promise.all([
      open(database.path),
      open(relative(process.cwd(), database.path)),
      open(join(database.folder, '.', 'shop.duckdb')),
    ]);
    const connection = await one.connect();
    await connection.run('CREATE TABLE t AS SELECT 42 AS answer');
    const other = await two.connect();
    expect(await (await other.run('SELECT answer FROM t')).getRows()).toEqual([[42]]);
    connection.closeSync();
    other.closeSync();
    await one.release();
    await one.release();
    await two.release();
    expect(await setting(three, 'TimeZone')).toBe('UTC');
    await three.release();
    await using free = new Child(new URL('./testing/hold-database.ts', import.meta.url), [database.path]);
    expect(await free.line()).toBe('open');
  });

  it('bounds its memory and spills beside itself; nothing outside is reachable', async () => {
    await using temporary = await TemporaryDatabase.make();
    const database = await open(temporary.path);
    expect(await setting(database, 'memory_limit')).toBe('100.0 MiB');
    expect(await setting(database, 'threads')).toBe('1');
    expect(await setting(database, 'temp_directory')).toBe(`${database.path}.tmp`);
    const connection = await database.connect();
    const spilling = "SELECT count(*) FROM (SELECT DISTINCT i::VARCHAR || repeat('x', 100) FROM range(1500000) r(i))";
    expect(await (await connection.run(spilling)).getRows()).toEqual([[1500000n]]);
    await expect(connection.run("SELECT * FROM read_text('/etc/hostname')")).rejects.toThrow('Permission Error');
    await expect(connection.run(`ATTACH '${join(temporary.folder, 'other.duckdb')}'`)).rejects.toThrow('Permission Error');
    connection.closeSync();
    await database.release();
  });

  it('that cannot be opened is told with the reason', async () => {
    await using database = await TemporaryDatabase.make();
    const cases = [
      { path: join(database.folder, 'missing', 'shop.duckdb'), reason: 'No such file or directory' },
      { path: join(database.folder, 'text.duckdb'), reason: 'not a valid DuckDB database file' },
      { path: join(database.folder, 'folder.duckdb'), reason: 'Is a directory' },
    ];
    await writeFile(cases[1]!.path, 'no database\n'.repeat(10_000));
    await mkdir(cases[2]!.path);
    for (const { path, reason } of cases) {
      await expect(open(path)).rejects.toMatchObject({
        code: 'WEIR_DUCKDB_OPEN',
        message: expect.stringContaining(reason) as string,
        path: 'path',
      });
    }
    await (await open(database.path)).release();
  });
});

describe('check', () => {
  it('opens a file that is there, and makes none', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    const found = async () => (await sink.check(never)).map(({ code, level }) => `${level} ${code}`);
    expect(await found()).toEqual(['ok DUCKDB_VERSION', 'ok DUCKDB_FILE']);
    await expect(stat(database.path)).rejects.toThrow('ENOENT');
    await using _ = await withOrders(sink, ordersTable(), []);
    expect(await found()).toEqual(['ok DUCKDB_VERSION', 'ok DUCKDB_FILE']);
  });

  it('says what is wrong and what to do', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    await writeFile(database.path, 'no database\n'.repeat(10_000));
    const problem = {
      level: 'error',
      code: 'WEIR_DUCKDB_OPEN',
      path: 'path',
      fix: expect.stringContaining('path') as string,
    };
    expect(await sink.check(never)).toContainEqual(expect.objectContaining(problem));
    await using gone = await TemporaryDatabase.make();
    const orphan = gone.sink();
    await gone[Symbol.asyncDispose]();
    expect(await orphan.check(never)).toContainEqual(
      expect.objectContaining({ ...problem, message: expect.stringContaining('folder') as string }),
    );
  });
});

describe('a file', () => {
  const storedFor = `SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = current_database()`;
  const writes = 'CREATE TABLE written AS SELECT range AS id FROM range(5000); CHECKPOINT';

  it('is made for DuckDB 1.2 and later, and one that is there stays what it is', async () => {
    await using made = await TemporaryDatabase.make();
    await behindItsBack(made.path, writes);
    expect(await behindItsBack(made.path, storedFor)).toEqual([['v1.2.0+']]);
    await using older = await TemporaryDatabase.make();
    const instance = await DuckDBInstance.create(older.path, { storage_compatibility_version: 'v1.0.0' });
    instance.closeSync();
    await behindItsBack(older.path, writes);
    expect(await behindItsBack(older.path, storedFor)).toEqual([['v1.0.0+']]);
  });

  it('has a longer log between two checkpoints once many tables are written', async () => {
    await using made = await TemporaryDatabase.make();
    const database = await open(made.path);
    const threshold = async (): Promise<string> => await setting(database, 'checkpoint_threshold');
    const before = await threshold();
    await database.allowTables(10, 60);
    expect(await threshold()).toBe(before);
    await database.allowTables(1000, 6000);
    await database.allowTables(500, 3000);
    expect(await threshold()).toBe('62.5 MiB');
    await database.release();
  });
});
