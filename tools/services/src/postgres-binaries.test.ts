import { chmod, mkdir, mkdtemp, readFile, readdir, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { availableVersions, findBinaries, readableBinaries } from './postgres-binaries.ts';
import { postgresVersions } from './postgres-versions.ts';
import { readable } from './unprivileged-account.ts';

/** Nobody's but root's and this test's files are closed to it. */
const STRANGER = { uid: 54321, gid: 54321 };

/** A programs folder and a folder for the copy, removed on dispose. */
async function workspace(): Promise<{ folder: string; temporary: string } & AsyncDisposable> {
  const root = await mkdtemp(join(tmpdir(), 'weir-binaries-'));
  await chmod(root, 0o755);
  const [folder, temporary] = [join(root, 'native'), join(root, 'temporary')];
  await mkdir(join(folder, 'bin'), { recursive: true });
  await mkdir(join(folder, 'lib'));
  await mkdir(temporary);
  await writeFile(join(folder, 'bin', 'postgres'), 'program', { mode: 0o755 });
  await writeFile(join(folder, 'lib', 'libpq.so.5.18'), 'library', { mode: 0o644 });
  await symlink('libpq.so.5.18', join(folder, 'lib', 'libpq.so.5'));
  for (const path of [folder, join(folder, 'bin'), join(folder, 'lib'), temporary]) await chmod(path, 0o755);
  return { folder, temporary, [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) };
}

test.each(availableVersions())('the package of version %i is found, with the version in its name', async (major) => {
  const { folder, version } = await findBinaries(major);
  expect(version).toMatch(new RegExp(`^${major}\\.`));
  expect(await readdir(join(folder, 'bin'))).toEqual(expect.arrayContaining(['initdb', 'postgres']));
});

// The registry has no package of version 14 for the other platforms.
test('every version can be had, 14 on Linux on x64 only', () => {
  const everywhere = process.platform === 'linux' && process.arch === 'x64';
  expect(availableVersions()).toEqual(everywhere ? postgresVersions : postgresVersions.slice(1));
});

test('programs that the account can read are used where they are', async () => {
  await using made = await workspace();
  expect(await readableBinaries({ folder: made.folder, version: '1' }, STRANGER, made.temporary)).toBe(made.folder);
});

test.each(['bin', 'bin/postgres', 'lib/libpq.so.5.18', '.'])('a closed %s makes an open copy, once', async (closed) => {
  await using made = await workspace();
  await chmod(join(made.folder, closed), 0o700);
  const binaries = { folder: made.folder, version: '1' };
  const copy = await readableBinaries(binaries, STRANGER, made.temporary);
  expect(copy).not.toBe(made.folder);
  expect(await readable(copy, STRANGER)).toBe(true);
  await writeFile(join(copy, 'bin', 'postgres'), 'still this one');
  expect(await readableBinaries(binaries, STRANGER, made.temporary)).toBe(copy);
  expect(await readdir(made.temporary)).toHaveLength(1);
});

test('a copy that lost a file is made again', async () => {
  await using made = await workspace();
  await chmod(made.folder, 0o700);
  const binaries = { folder: made.folder, version: '1' };
  const copy = await readableBinaries(binaries, STRANGER, made.temporary);
  await unlink(join(copy, 'lib', 'libpq.so.5'));
  expect(await readableBinaries(binaries, STRANGER, made.temporary)).toBe(copy);
  expect(await readdir(join(copy, 'lib'))).toContain('libpq.so.5');
  expect(await readdir(made.temporary)).toHaveLength(1);
});

test('several processes that copy at once end with one copy', async () => {
  await using made = await workspace();
  await chmod(made.folder, 0o700);
  const binaries = { folder: made.folder, version: '1' };
  const copies = await Promise.all([1, 2, 3].map(() => readableBinaries(binaries, STRANGER, made.temporary)));
  expect(new Set(copies).size).toBe(1);
  expect(await readdir(made.temporary)).toHaveLength(1);
});

test('a copy that others may write is not trusted', async () => {
  await using made = await workspace();
  await chmod(made.folder, 0o700);
  const binaries = { folder: made.folder, version: '1' };
  const copy = await readableBinaries(binaries, STRANGER, made.temporary);
  await writeFile(join(copy, 'bin', 'postgres'), 'another program');
  await chmod(copy, 0o777);
  expect(await readableBinaries(binaries, STRANGER, made.temporary)).toBe(copy);
  expect(await readFile(join(copy, 'bin', 'postgres'), 'utf8')).toBe('program');
});
