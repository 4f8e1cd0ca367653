import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { EmbeddedPostgres } from './embedded-postgres.ts';
import { temporaryRoot } from './postgres-place.ts';
import { versionForTests, type PostgresVersion } from './postgres-versions.ts';
import type { StopMode } from './postmaster.ts';
import { isRoot, nobody } from './unprivileged-account.ts';

/** A server for one test; disposing it removes its data. */
export interface TemporaryPostgres extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** The major version. */
  readonly version: PostgresVersion;
  /** Holds the data, until disposed. */
  readonly directory: string;
  stop(mode?: StopMode): Promise<void>;
}

export interface TemporaryOptions {
  /** The major version; by default what `WEIR_TEST_POSTGRES_VERSION` says, else 18. */
  readonly version?: PostgresVersion;
  /** Puts data into the directory before the server starts there, instead of a new database cluster. */
  readonly prepare?: (directory: string) => Promise<void>;
}

/**
 * Starts a server in a new temporary directory. It is removed on dispose, and also when this process dies in any way.
 * @param settings server settings on top of those of `EmbeddedPostgres`
 */
export async function temporaryPostgres(
  settings: Readonly<Record<string, string>> = {},
  { version = versionForTests(), prepare }: TemporaryOptions = {},
): Promise<TemporaryPostgres> {
  const account = isRoot() ? nobody() : null;
  const directory = await mkdtemp(join(await temporaryRoot(account), 'weir-test-postgres-'));
  if (account !== null) await chown(directory, account.uid, account.gid);
  const watchdog = startWatchdog(directory);
  try {
    await prepare?.(directory);
    const server = await EmbeddedPostgres.start({ directory, settings, version });
    return {
      url: server.url,
      port: server.port,
      pid: server.pid,
      version: server.version,
      directory,
      stop: (mode) => server.stop(mode),
      async [Symbol.asyncDispose]() {
        server.leaveRunning();
        await endWatchdog(watchdog);
      },
    };
  } catch (error) {
    await endWatchdog(watchdog);
    throw error;
  }
}

/** Waits for its input to end, which a dying process does as well; then stops the server and removes its folder. */
const WATCHDOG = `
read -r _
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ]; then
  kill -QUIT "$pid" 2>/dev/null
  tries=0
  while kill -0 "$pid" 2>/dev/null && [ $tries -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
fi
rm -rf "$1" || { sleep 2; rm -rf "$1"; }
`;

function startWatchdog(directory: string): ChildProcess {
  const watchdog = spawn('/bin/sh', ['-c', WATCHDOG, 'weir-watchdog', directory], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watchdog.unref();
  (watchdog.stdin as Socket).unref();
  return watchdog;
}

async function endWatchdog(watchdog: ChildProcess): Promise<void> {
  if (watchdog.exitCode !== null || watchdog.signalCode !== null) return;
  const ended = once(watchdog, 'exit');
  watchdog.ref();
  watchdog.stdin?.end();
  await ended;
}
