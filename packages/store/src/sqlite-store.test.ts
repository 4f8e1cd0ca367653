import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WeirError, type ErrorCode } from '@weir/sdk';
import { openError, useError } from './sqlite-error.ts';
import { openStateFile } from './sqlite-file.ts';
import { SqliteStore, openSqliteStore, readHints } from './sqlite-store.ts';
import { durableStoreContract, storeContract } from './store.contract.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'weir-sqlite-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

storeContract('openSqliteStore', () => openSqliteStore(directory));
durableStoreContract('openSqliteStore', openSqliteStore);

function failsWith(code: ErrorCode): unknown {
  return expect.objectContaining({ name: 'WeirError', code });
}

function thrownBy(action: () => unknown): WeirError {
  try {
    action();
  } catch (error) {
    if (error instanceof WeirError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

function mode(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

describe('the state directory', () => {
  test('is made private where it is missing, with its parents', async () => {
    const state = join(directory, 'a', 'b');
    await using store = openSqliteStore(state);
    await store.saveHint('shop', 'phase', 'stream');
    expect([mode(join(directory, 'a')), mode(state)]).toEqual(['700', '700']);
    expect(readdirSync(state).map((file) => [file, mode(join(state, file))])).toEqual([
      ['weir.sqlite', '600'],
      ['weir.sqlite-wal', '600'],
    ]);
  });

  test('keeps its own mode where it exists, and its file loses the rights of others', async () => {
    chmodSync(directory, 0o750);
    await openSqliteStore(directory)[Symbol.asyncDispose]();
    chmodSync(join(directory, 'weir.sqlite'), 0o644);
    await using _store = openSqliteStore(directory);
    expect([mode(directory), mode(join(directory, 'weir.sqlite'))]).toEqual(['750', '600']);
  });

  test('that cannot be made is WEIR_STORE_OPEN', () => {
    writeFileSync(join(directory, 'file'), '');
    expect(() => openSqliteStore(join(directory, 'file'))).toThrow(failsWith('WEIR_STORE_OPEN'));
    expect(() => openSqliteStore(join(directory, 'file', 'below'))).toThrow(failsWith('WEIR_STORE_OPEN'));
    mkdirSync(join(directory, 'weir.sqlite'));
    expect(() => openSqliteStore(directory)).toThrow(failsWith('WEIR_STORE_OPEN'));
  });

  test('with a file that is not a database is WEIR_STORE_OPEN with another fix', () => {
    writeFileSync(join(directory, 'weir.sqlite'), 'something that somebody else wrote here\n'.repeat(100));
    const error = thrownBy(() => openSqliteStore(directory));
    expect(error.code).toBe('WEIR_STORE_OPEN');
    expect(error.fix).toContain('backup');
  });

  test('of a later version is refused by name and left as it is', async () => {
    await openSqliteStore(directory)[Symbol.asyncDispose]();
    const later = new DatabaseSync(join(directory, 'weir.sqlite'));
    later.exec('PRAGMA user_version = 2');
    later.close();
    const error = thrownBy(() => openSqliteStore(directory));
    expect(error.code).toBe('WEIR_STORE_OPEN');
    expect(error.message).toContain('schema version 2');
    expect(error.fix).toContain('version of Weir that wrote it');
    const after = new DatabaseSync(join(directory, 'weir.sqlite'));
    expect(after.prepare('PRAGMA user_version').get()).toEqual({ user_version: 2 });
    after.close();
  });
});

test('what is saved is on the disk when a call resolves: each commit is synced, and nobody else has the file', () => {
  const database = openStateFile(directory);
  const settings = ['synchronous', 'fullfsync', 'checkpoint_fullfsync', 'journal_mode', 'locking_mode', 'user_version'].map(
    (name) => Object.values(database.prepare(`PRAGMA ${name}`).get()!)[0],
  );
  database.close();
  const full = 2;
  expect(settings).toEqual([full, 1, 1, 'wal', 'exclusive', 1]);
});

test('a file that another program is writing to is WEIR_STORE_LOCKED', () => {
  const path = join(directory, 'weir.sqlite');
  const other = new DatabaseSync(path);
  other.exec('CREATE TABLE t (a); BEGIN; INSERT INTO t VALUES (1)');
  expect(() => openSqliteStore(directory)).toThrow(failsWith('WEIR_STORE_LOCKED'));
  other.close();
});

describe('readHints', () => {
  test('makes nothing where there is no state', () => {
    const state = join(directory, 'state');
    expect(readHints(state)).toEqual([]);
    expect(existsSync(state)).toBe(false);
  });

  test('lists the hints that the last process left, by pipeline and name', async () => {
    {
      await using store = openSqliteStore(directory);
      await store.saveHint('shop', 'rows', 7);
      await store.saveHint('shop', 'phase', { name: 'stream' });
      await store.saveHint('audit', 'phase', null);
    }
    const hints = [
      { pipeline: 'audit', name: 'phase', value: null },
      { pipeline: 'shop', name: 'phase', value: { name: 'stream' } },
      { pipeline: 'shop', name: 'rows', value: 7 },
    ];
    expect(readHints(directory)).toEqual(hints);
    expect(readHints(directory)).toEqual(hints);
  });

  test('closes the file, and says which it cannot read', () => {
    openStateFile(directory).close();
    const damaged = new DatabaseSync(join(directory, 'weir.sqlite'));
    damaged.exec('DROP TABLE hint');
    damaged.close();
    for (let run = 0; run < 2; run++) {
      const error = thrownBy(() => readHints(directory));
      expect(error.code).toBe('WEIR_STORE_WRITE');
      expect(error.message).toContain(join(directory, 'weir.sqlite'));
      expect(error.message).toContain('no such table: hint');
    }
  });

  test('is refused while a store is open', async () => {
    await using _store = openSqliteStore(directory);
    expect(() => readHints(directory)).toThrow(failsWith('WEIR_STORE_LOCKED'));
  });
});

test('a write that failed is never tried again: every call fails until the store is opened again', async () => {
  const shard = { pipeline: 'shop', sink: 'warehouse', shard: 0 };
  const small = { checkpoint: { position: 'a', state: null }, staged: null };
  const large = { checkpoint: { position: 'b', state: 'x'.repeat(100_000) }, staged: null };
  {
    const database = openStateFile(directory);
    database.exec('PRAGMA max_page_count = 10');
    await using store = new SqliteStore(database, 'f');
    await store.saveCheckpoint(shard, small);
    await expect(store.saveCheckpoint(shard, large)).rejects.toThrow(failsWith('WEIR_STORE_WRITE'));
    database.exec('PRAGMA max_page_count = 1000000');
    await expect(store.saveCheckpoint(shard, small)).rejects.toThrow(failsWith('WEIR_STORE_WRITE'));
    await expect(store.loadCheckpoint(shard)).rejects.toThrow(failsWith('WEIR_STORE_WRITE'));
  }
  await using store = openSqliteStore(directory);
  expect(await store.loadCheckpoint(shard)).toEqual(small);
  await store.saveCheckpoint(shard, large);
  expect(await store.loadCheckpoint(shard)).toEqual(large);
});

describe('errors of SQLite and of the file system', () => {
  function sqliteError(action: (database: DatabaseSync) => void): unknown {
    const database = new DatabaseSync(join(directory, 'other.sqlite'));
    try {
      action(database);
    } catch (error) {
      return error;
    } finally {
      database.close();
    }
    throw new Error('nothing was thrown');
  }

  test('a full database is WEIR_STORE_WRITE, also while opening', () => {
    const full = sqliteError((database) => {
      database.exec('CREATE TABLE t (a); PRAGMA max_page_count = 2');
      database.prepare('INSERT INTO t VALUES (?)').run('x'.repeat(100_000));
    });
    expect(useError(full, 'f').code).toBe('WEIR_STORE_WRITE');
    expect(useError(full, 'f').message).toContain('full');
    expect(openError(full, 'f')).toMatchObject({ code: 'WEIR_STORE_WRITE' });
  });

  test.each(['ENOSPC', 'EDQUOT', 'EIO', 'EFBIG'])('%s of the file system is WEIR_STORE_WRITE', (code) => {
    const full = Object.assign(new Error(`${code}: mkdir`), { code });
    expect(openError(full, 'f')).toMatchObject({ code: 'WEIR_STORE_WRITE', message: `cannot open f: ${code}: mkdir`, cause: full });
    expect(openError(Object.assign(new Error('EACCES: mkdir'), { code: 'EACCES' }), 'f').code).toBe('WEIR_STORE_OPEN');
  });

  // https://sqlite.org/rescode.html: the lowest byte of a code says what it is, the others say more.
  test.each([
    ['SQLITE_BUSY', 5, 'WEIR_STORE_LOCKED', 'WEIR_STORE_WRITE'],
    ['SQLITE_BUSY_RECOVERY', 261, 'WEIR_STORE_LOCKED', 'WEIR_STORE_WRITE'],
    ['SQLITE_LOCKED', 6, 'WEIR_STORE_LOCKED', 'WEIR_STORE_WRITE'],
    ['SQLITE_READONLY', 8, 'WEIR_STORE_OPEN', 'WEIR_STORE_WRITE'],
    ['SQLITE_IOERR_FSYNC', 1034, 'WEIR_STORE_WRITE', 'WEIR_STORE_WRITE'],
    ['SQLITE_FULL', 13, 'WEIR_STORE_WRITE', 'WEIR_STORE_WRITE'],
    ['SQLITE_CORRUPT_INDEX', 779, 'WEIR_STORE_OPEN', 'WEIR_STORE_OPEN'],
    ['SQLITE_NOTADB', 26, 'WEIR_STORE_OPEN', 'WEIR_STORE_OPEN'],
  ])('%s', (name, errcode, whileOpening, inUse) => {
    const error = Object.assign(new Error(name), { errcode });
    expect([openError(error, 'f').code, useError(error, 'f').code]).toEqual([whileOpening, inUse]);
    const isDamaged = /CORRUPT|NOTADB/.test(name);
    expect(useError(error, 'f').fix.includes('backup')).toBe(isDamaged);
    expect(useError(error, 'f')).toMatchObject({ cause: error, message: `cannot read or write f: ${name}` });
  });

  test('an error with a code of ours is handed on', () => {
    const own = new WeirError('WEIR_STORE_OPEN', 'of a later version');
    expect(openError(own, 'f')).toBe(own);
  });

  test('what is thrown and is no error is told as it is', () => {
    expect(useError('odd', 'f')).toMatchObject({ code: 'WEIR_STORE_WRITE', message: 'cannot read or write f: odd' });
    expect(openError({ errcode: 5 }, 'f')).toMatchObject({ code: 'WEIR_STORE_OPEN' });
  });

  test('another error is about opening or about writing, never without a code', () => {
    const odd = sqliteError((database) => database.exec('SELECT * FROM missing'));
    expect(openError(odd, 'f')).toMatchObject({ code: 'WEIR_STORE_OPEN' });
    expect(useError(odd, 'f')).toMatchObject({ code: 'WEIR_STORE_WRITE' });
  });
});
