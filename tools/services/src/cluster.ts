import { WeirError } from '@weir/sdk';
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, chown, open, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Place } from './postgres-place.ts';

/** What every server of ours runs with; `PostgresOptions.settings` come on top. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  wal_level: 'logical',
  max_replication_slots: '20',
  max_wal_senders: '20',
  max_connections: '100',
  shared_buffers: '128MB',
  fsync: 'on',
  log_checkpoints: 'off',
  // Row values stay out of the log (invariant 10): no DETAIL lines, no statements.
  log_error_verbosity: 'terse',
  log_min_error_statement: 'panic',
};

/** The files of one server: its data folder, password and log. */
export class Cluster {
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
  }

  get data(): string {
    return join(this.#place.home, 'data');
  }

  get logFile(): string {
    return join(this.#place.home, 'server.log');
  }

  async exists(): Promise<boolean> {
    return access(this.data).then(
      () => true,
      () => false,
    );
  }

  async password(): Promise<string> {
    return (await readFile(this.#passwordFile, 'utf8')).trim();
  }

  /**
   * Makes the data folder. It gets its name when it is complete and on disk, so one that was interrupted is never taken
   * for a server's data; what is left of it is removed here.
   * @throws WeirError WEIR_DEMO_POSTGRES
   */
  async initialise(): Promise<void> {
    const { home } = this.#place;
    for (const name of await readdir(home)) {
      if (name.startsWith('initdb-')) await rm(join(home, name), { recursive: true, maxRetries: 10, retryDelay: 50 });
    }
    await this.#writePassword();
    // Of its own name each time: an initdb that outlived its killed parent may still write in its own for a moment.
    const fresh = join(home, `initdb-${randomBytes(6).toString('hex')}`);
    const options = ['-U', 'postgres', '--pwfile', this.#passwordFile, '-A', 'scram-sha-256', '-E', 'UTF8', '--locale=C'];
    await this.#runInitdb(['-D', fresh, ...options]);
    await rename(fresh, this.data);
    await syncFolder(home);
  }

  /** Starts the server process in a session of its own, so that a terminal's Ctrl-C does not reach it. */
  async spawnServer(port: number, settings: Readonly<Record<string, string>>): Promise<ChildProcess> {
    await rename(this.logFile, `${this.logFile}.old`).catch(() => {});
    const log = await open(this.logFile, 'a', 0o600);
    try {
      const wanted = Object.entries({ ...SETTINGS, ...settings, port: String(port) });
      const args = wanted.flatMap(([name, value]) => ['-c', `${name}=${value}`]);
      return this.#spawn('postgres', ['-D', this.data, ...args], {
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
      });
    } finally {
      await log.close();
    }
  }

  /** The last lines that the server wrote. */
  async logTail(lines = 15): Promise<string> {
    const text = await readFile(this.logFile, 'utf8').catch(() => '');
    return text.trimEnd().split('\n').slice(-lines).join('\n');
  }

  get #passwordFile(): string {
    return join(this.#place.home, 'password');
  }

  async #writePassword(): Promise<void> {
    await rm(this.#passwordFile, { force: true });
    await writeFile(this.#passwordFile, `${randomBytes(18).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
    const { account } = this.#place;
    if (account !== null) await chown(this.#passwordFile, account.uid, account.gid);
  }

  async #runInitdb(args: string[]): Promise<void> {
    const child = this.#spawn('initdb', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-4000)));
    }
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    }).catch((cause: unknown) => {
      throw new WeirError('WEIR_DEMO_POSTGRES', `initdb could not be run: ${String(cause)}`, { cause });
    });
    if (code === 0) return;
    throw new WeirError('WEIR_DEMO_POSTGRES', `initdb ended with code ${code}:\n${output.trim()}`);
  }

  #spawn(program: 'initdb' | 'postgres', args: string[], options: SpawnOptions): ChildProcess {
    const { account, home, programs } = this.#place;
    // Node takes ids as signed 32-bit numbers.
    const identity = account === null ? {} : { uid: account.uid | 0, gid: account.gid | 0 };
    const env = { PATH: process.env['PATH'] ?? '', HOME: home, LC_ALL: 'C', TZ: 'UTC' };
    return spawn(join(programs, 'bin', program), args, { ...options, ...identity, cwd: home, env });
  }
}

/** Makes a rename in the folder durable. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
