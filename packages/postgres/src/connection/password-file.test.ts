import { chmod } from 'node:fs/promises';
import { failure } from '@weir/testkit';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { passwordFromFile, passwordIn } from './password-file.ts';
import { TemporaryFolder } from '../testing/temporary-folder.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const entry = { host: 'db.example', port: 5432, database: 'shop', user: 'app' };

describe('a password file', () => {
  test.each([
    ['db.example:5432:shop:app:one\n', 'one'],
    ['*:*:*:*:ab', 'ab'],
    ['# db.example:5432:shop:app:no\n\n*:*:*:app:two', 'two'],
    ['other:*:*:*:no\r\ndb.example:*:*:*:three\r\n', 'three'],
    ['db.example:5432:shop:app:first\n*:*:*:*:second', 'first'],
    ['*:*:*:*:a\\:b\\\\c', 'a:b\\c'],
    ['*:*:*:*:a\\:', 'a:'],
    ['*:*:*:*:one:behind it', 'one'],
    ['*:*:*:*: blanks count ', ' blanks count '],
    ['db.example:5433:shop:app:no', null],
    ['db.example:5432:shop:app:', null],
    ['db.example:5432:shop:app', null],
    ['', null],
  ])('%j gives %j', (text, password) => {
    expect(passwordIn(text, entry)?.reveal() ?? null).toBe(password);
  });

  test('names with colons are written with a backslash; a socket is its folder, or localhost', () => {
    expect(passwordIn('\\:\\:1:*:*:*:six', { ...entry, host: '::1' })?.reveal()).toBe('six');
    const socket = { ...entry, host: '/var/run/postgresql' };
    expect(passwordIn('localhost:*:*:*:local', socket)?.reveal()).toBe('local');
    expect(passwordIn('/var/run/postgresql:*:*:*:folder', socket)?.reveal()).toBe('folder');
  });
});

describe('which file', () => {
  test('the one that is named, or that of the environment', async () => {
    await using folder = await TemporaryFolder.create();
    const named = await folder.write('named', '*:*:*:*:named');
    vi.stubEnv('PGPASSFILE', await folder.write('environment', '*:*:*:*:environment'));
    expect((await passwordFromFile(named, entry))?.reveal()).toBe('named');
    expect((await passwordFromFile(null, entry))?.reveal()).toBe('environment');
  });

  test('that of the environment need not be there, a named one must be', async () => {
    await using folder = await TemporaryFolder.create();
    vi.stubEnv('PGPASSFILE', `${folder.path}/none`);
    expect(await passwordFromFile(null, entry)).toBeNull();
    expect(await failure(passwordFromFile(`${folder.path}/none`, entry))).toMatchObject({ code: 'WEIR_PG_PASSFILE' });
    expect(await failure(passwordFromFile(folder.path, entry))).toMatchObject({ code: 'WEIR_PG_PASSFILE' });
  });

  test.each([0o640, 0o604, 0o660, 0o777])('is refused when others may read it: mode %o', async (mode) => {
    await using folder = await TemporaryFolder.create();
    const file = await folder.write('pgpass', '*:*:*:*:s3cret');
    await chmod(file, mode);
    const error = await failure(passwordFromFile(file, entry));
    expect(error).toMatchObject({ code: 'WEIR_PG_PASSFILE', fix: `chmod 600 ${file}` });
    expect(error.message).not.toContain('s3cret');
  });
});
