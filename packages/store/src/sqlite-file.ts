import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { WeirError } from '@weir/sdk';
import { isLocked, openError } from './sqlite-error.ts';

/** The version of the tables below, kept in `PRAGMA user_version`. */
const SCHEMA_VERSION = 1;

const SCHEMA = `
CREATE TABLE checkpoint (
  pipeline TEXT NOT NULL,
  sink TEXT NOT NULL,
  shard INTEGER NOT NULL,
  position TEXT NOT NULL,
  state TEXT NOT NULL, -- JSON
  staged TEXT,         -- JSON; NULL: no intent
  PRIMARY KEY (pipeline, sink, shard)
) STRICT, WITHOUT ROWID;
CREATE TABLE hint (
  pipeline TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL, -- JSON
  PRIMARY KEY (pipeline, name)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = ${SCHEMA_VERSION};`;

/** How long a start waits for the lock, in ms: `weir status` holds it for a moment. */
const LOCK_WAIT_MS = 250;

/** The state file of a directory. */
export function stateFile(directory: string): string {
  return join(directory, 'weir.sqlite');
}

/**
 * Opens the state file of a directory for this process alone; both are made where they are missing.
 * @throws WeirError WEIR_STORE_LOCKED, WEIR_STORE_OPEN, WEIR_STORE_WRITE
 */
export function openStateFile(directory: string): DatabaseSync {
  const path = stateFile(directory);
  const deadline = performance.now() + LOCK_WAIT_MS;
  try {
    makeDirectory(resolve(directory));
    makePrivateFile(path);
    for (;;) {
      const database = tryOpen(path, performance.now() >= deadline);
      if (database !== null) return database;
      // Two processes that start together each hold a shared lock and refuse the other; unequal pauses let one through.
      pause(5 + Math.random() * 20);
    }
  } catch (error) {
    throw openError(error, path);
  }
}

function makeDirectory(directory: string): void {
  const first = mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  // A new directory lasts when its entry in its parent is on the disk, like everything saved in it.
  for (let made = directory; ; made = dirname(made)) {
    syncDirectory(dirname(made));
    if (made === first) return;
  }
}

function syncDirectory(directory: string): void {
  if (process.platform === 'win32') return; // has no such call
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Never opens a file that exists: closing any descriptor of it would drop this process's locks on it (POSIX). */
function makePrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    chmodSync(path, 0o600);
  }
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** The open database; null when another process holds it and this is not the last attempt. */
function tryOpen(path: string, lastAttempt: boolean): DatabaseSync | null {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    prepare(database, path);
    return database;
  } catch (error) {
    database.close();
    if (isLocked(error) && !lastAttempt) return null;
    throw error;
  }
}

function prepare(database: DatabaseSync, path: string): void {
  // Before the first access, so that WAL needs no shared memory and the lock lasts until the connection or process ends.
  database.exec('PRAGMA locking_mode = EXCLUSIVE');
  const version = Number(pragma(database, 'user_version'));
  if (version > SCHEMA_VERSION) {
    throw new WeirError('WEIR_STORE_OPEN', `${path} has schema version ${version}, this Weir knows ${SCHEMA_VERSION}`, {
      fix: 'Run the version of Weir that wrote it, or a later one.',
    });
  }
  const mode = pragma(database, 'journal_mode = WAL');
  if (mode !== 'wal') throw new WeirError('WEIR_STORE_OPEN', `${path} cannot use a write-ahead log (${String(mode)})`);
  // FULL syncs each commit, NORMAL would not; macOS needs fullfsync for a sync that reaches the disk.
  database.exec('PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON');
  database.exec('BEGIN EXCLUSIVE');
  if (version === 0) database.exec(SCHEMA);
  database.exec('COMMIT');
}

function pragma(database: DatabaseSync, text: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${text}`).get() ?? {})[0];
}
