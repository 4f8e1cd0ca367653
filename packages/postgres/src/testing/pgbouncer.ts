import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { TemporaryFolder } from './temporary-folder.ts';
import { tcpServer } from './tcp-server.ts';

/** Whether PgBouncer is installed; `apt-get install pgbouncer` or `brew install pgbouncer` does it. */
export function hasPgBouncer(): boolean {
  return spawnSync('pgbouncer', ['--version']).status === 0;
}

/** `nobody`, for PgBouncer refuses to run as root. */
const NOBODY = 65_534;

/** A PgBouncer in front of a server. */
export class PgBouncer implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #folder: TemporaryFolder;

  private constructor(port: number, child: ChildProcess, folder: TemporaryFolder) {
    this.port = port;
    this.#child = child;
    this.#folder = folder;
  }

  /** @param login of the server; the same here */
  static async start(
    server: { readonly port: number; readonly user: string; readonly password: string },
    poolMode: 'session' | 'transaction',
  ): Promise<PgBouncer> {
    const folder = await TemporaryFolder.create();
    await chmod(folder.path, 0o755);
    const port = await freePort();
    const users = await folder.write('users.txt', `"${server.user}" "${server.password}"\n`, 0o644);
    const settings = {
      listen_addr: '127.0.0.1',
      listen_port: port,
      unix_socket_dir: '',
      auth_type: 'scram-sha-256',
      auth_file: users,
      pool_mode: poolMode,
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
    const ini = `[databases]\n* = host=127.0.0.1 port=${server.port}\n[pgbouncer]\n${lines.join('\n')}\n`;
    const file = await folder.write('pgbouncer.ini', ini, 0o644);
    const account = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
    const child = spawn('pgbouncer', ['-q', file], { stdio: 'ignore', cwd: '/', ...account });
    const bouncer = new PgBouncer(port, child, folder);
    await bouncer.#listening();
    return bouncer;
  }

  async #listening(): Promise<void> {
    for (let attempt = 0; attempt < 200; attempt++) {
      const socket = createConnection(this.port, '127.0.0.1');
      const connected = await once(socket, 'connect').then(
        () => true,
        () => false,
      );
      socket.destroy();
      if (connected) return;
      if (this.#child.exitCode !== null) break;
      await sleep(25);
    }
    throw new Error('pgbouncer does not listen');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) {
      const exit = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await exit;
    }
    await this.#folder[Symbol.asyncDispose]();
  }
}

async function freePort(): Promise<number> {
  await using server = await tcpServer(() => {});
  return server.port;
}
