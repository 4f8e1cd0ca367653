import { WeirError } from '@weir/sdk';
import { createHash } from 'node:crypto';
import { chmod, chown, lstat, mkdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { findBinaries, readableBinaries } from './postgres-binaries.ts';
import { defaultVersion, parseVersion, type PostgresVersion } from './postgres-versions.ts';
import { isRoot, nobody, reachable, type Account } from './unprivileged-account.ts';

/** Where one server's data and programs are, and who runs it. */
export interface Place {
  /** Holds `data`, `password` and `server.log`; only its owner may enter. */
  readonly home: string;
  /** Holds `bin`, `lib` and `share`. */
  readonly programs: string;
  /** Of the programs, and of the data once there is any. */
  readonly version: PostgresVersion;
  /** Who runs the server; null when it is the user of this process. */
  readonly account: Account | null;
}

/** In the folder that was asked for: where the data is, when it could not be there. */
const LOCATION = 'location';

/**
 * Prepares the place of a server for `directory`. It is that folder itself, except for root when the account that runs the
 * server cannot get there (a clone under a home of mode 0700, say): then it is a folder named after it among the
 * temporary ones, and a file in `directory` says so to the next start.
 * @param asked the wanted version; undefined takes that of the data, or the default where there is none yet
 * @throws WeirError WEIR_DEMO_POSTGRES
 */
export async function preparePlace(directory: string, asked?: PostgresVersion): Promise<Place> {
  const version = await versionFor(directory, asked);
  const binaries = await findBinaries(version);
  await mkdir(directory, { recursive: true });
  const wished = await realpath(directory);
  if (!isRoot()) {
    await requireOwner(wished, process.getuid?.());
    await chmod(wished, 0o700);
    return { home: wished, programs: binaries.folder, version, account: null };
  }
  const account = (await ownerOf(wished)) ?? nobody();
  const home = await homeFor(wished, account);
  const programs = await readableBinaries(binaries, account, await temporaryRoot(account));
  return { home, programs, version, account };
}

/** Data can only be read by the version that made it. */
async function versionFor(directory: string, asked: PostgresVersion | undefined): Promise<PostgresVersion> {
  const home = await findHome(directory);
  const text = home === null ? null : await readFile(join(home, 'data', 'PG_VERSION'), 'utf8').catch(() => null);
  if (text === null) return asked ?? defaultVersion;
  const found = parseVersion(text, `the version of the data in ${home}`);
  if (asked === undefined || asked === found) return found;
  throw new WeirError('WEIR_DEMO_POSTGRES', `the data in ${home} is of PostgreSQL ${found}, not ${asked}`, {
    fix: `Start version ${found}, or choose another directory.`,
  });
}

/** The existing home of the server of `directory`; null when there is none. */
export async function findHome(directory: string): Promise<string | null> {
  const wished = await realpath(directory).catch(() => null);
  if (wished === null) return null;
  return (await recordedHome(wished)) ?? wished;
}

/** The first folder for temporary files where `account` may go; null stands for the user of this process. */
export async function temporaryRoot(account: Account | null): Promise<string> {
  const candidates = [tmpdir(), '/tmp', '/var/tmp'];
  for (const candidate of candidates) {
    const root = await realpath(candidate).catch(() => null);
    if (root !== null && (account === null || (await reachable(join(root, 'any'), account)))) return root;
  }
  throw new WeirError('WEIR_DEMO_POSTGRES', `no folder for temporary files is open to user id ${account?.uid}`, {
    fix: 'Set TMPDIR to a folder that every user may enter and write, or run as an ordinary user.',
  });
}

async function homeFor(wished: string, account: Account): Promise<string> {
  const recorded = await recordedHome(wished);
  if (recorded !== null) return ownedHome(recorded, account);
  if (await reachable(wished, account)) return ownedHome(wished, account);
  const home = await ownedHome(join(await temporaryRoot(account), temporaryName(wished)), account);
  await writeFile(join(wished, LOCATION), `${home}\n`, { mode: 0o600 });
  return home;
}

/** A folder of mode 0700 of that account: made, or taken over from root, but never from anybody else. */
async function ownedHome(home: string, account: Account): Promise<string> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  const found = await lstat(home);
  if (found.uid === 0 && found.isDirectory()) await chown(home, account.uid, account.gid);
  await requireOwner(home, account.uid);
  await chmod(home, 0o700);
  return home;
}

async function recordedHome(wished: string): Promise<string | null> {
  const home = (await readFile(join(wished, LOCATION), 'utf8').catch(() => '')).trim();
  // A clone that was copied brings the record of its original along, whose server is not its own.
  return basename(home) === temporaryName(wished) ? home : null;
}

function temporaryName(wished: string): string {
  return `weir-postgres-${createHash('sha256').update(wished).digest('hex').slice(0, 12)}`;
}

/** Data that an ordinary user made is run as that user when root starts it. */
async function ownerOf(folder: string): Promise<Account | null> {
  const { uid, gid } = await lstat(folder);
  return uid === 0 ? null : { uid, gid };
}

async function requireOwner(folder: string, uid: number | undefined): Promise<void> {
  const found = await lstat(folder);
  if (found.isDirectory() && found.uid === uid) return;
  const what = `${folder} belongs to user id ${found.uid} or is no folder; the server would run as ${uid}`;
  throw new WeirError('WEIR_DEMO_POSTGRES', what, {
    fix: 'Start it as the same user as the first time, or remove that folder.',
  });
}

/** Removes a stopped server's folders. */
export async function removePlace(directory: string): Promise<void> {
  const home = await findHome(directory);
  if (home !== null) await rm(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  await rm(directory, { recursive: true, force: true });
}
