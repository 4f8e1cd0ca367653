import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, relative } from 'node:path';
import { EmbeddedPostgres } from '@weir/services';
import { WeirError } from '@weir/sdk';
import { openSqliteStore, type Store } from '@weir/store';

const HEADER = '# Written by `weir demo` at each start; copy it to make your own.';
const HTTP_PORT = 9464;

/** The folder of a demo: its server's data, the mirror, the state, and a configuration to look at. */
export class DemoDirectory {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  get postgres(): string {
    return join(this.path, 'postgres');
  }

  get config(): string {
    return join(this.path, 'weir.yaml');
  }

  get mirror(): string {
    return join(this.path, 'shop.duckdb');
  }

  hasMirror(): boolean {
    return existsSync(this.mirror);
  }

  /** How a person names a file of the folder. */
  show(file: string): string {
    const short = relative(process.cwd(), file);
    return short === '' || short.startsWith('..') ? file : short;
  }

  /**
   * Takes the folder for this process; nothing in it is touched before.
   * @param fresh a state that cannot be read is thrown away
   * @throws WeirError WEIR_STORE_LOCKED while another demo, or a `weir run` of its configuration, has it; WEIR_USAGE when
   *   there is a configuration that is not the demo's
   */
  async lock(fresh: boolean): Promise<Store> {
    // Not left to the store, which would close the folder to the account that the server runs as.
    await mkdir(this.path, { recursive: true });
    if (existsSync(this.config) && !readFileSync(this.config, 'utf8').startsWith(HEADER)) {
      throw new WeirError('WEIR_USAGE', `${this.show(this.config)} was not written by the demo, which would replace it`, {
        fix: 'Give the demo a folder of its own with --directory.',
      });
    }
    try {
      return openSqliteStore(this.#state);
    } catch (error) {
      if (!(error instanceof WeirError)) throw error;
      if (error.code === 'WEIR_STORE_LOCKED') throw this.#locked(error);
      if (!fresh) throw error;
      await rm(this.#state, { recursive: true, force: true });
      return openSqliteStore(this.#state);
    }
  }

  /** Removes what earlier demos left, and stops a server that one left running. */
  async clear(): Promise<void> {
    await EmbeddedPostgres.remove(this.postgres);
    await this.removeMirror();
    for (const file of [this.config, this.#urlFile]) await rm(file, { force: true });
  }

  /** Removes the mirror with the checkpoint in it; the state holds nothing but hints for a sink of class A. */
  async removeMirror(): Promise<void> {
    for (const suffix of ['', '.wal', '.tmp']) await rm(this.mirror + suffix, { recursive: true, force: true });
  }

  /** Writes the configuration; the URL, which holds the password, goes to a private file of its own. */
  async writeConfig(url: string): Promise<void> {
    await writePrivate(this.#urlFile, `${url}\n`);
    const http = (await isFree(HTTP_PORT)) ? HTTP_PORT : 0;
    await writePrivate(this.config, configText(http));
  }

  get #state(): string {
    return join(this.path, 'state');
  }

  get #urlFile(): string {
    return join(this.path, 'shop.url');
  }

  #locked(cause: WeirError): WeirError {
    const what = `another demo runs in ${this.show(this.path)}, or a \`weir run\` of its configuration`;
    return new WeirError('WEIR_STORE_LOCKED', what, {
      fix: 'End that one with Ctrl-C, or give this one a folder of its own with --directory.',
      cause,
    });
  }
}

function configText(httpPort: number): string {
  return `${HEADER}
version: 1
state: ./state
http: 127.0.0.1:${httpPort}${httpPort === 0 ? ' # any free port' : ''}
pipelines:
  shop:
    source:
      postgres:
        url: \${file:./shop.url}
        tables: [public.*]
    sinks:
      warehouse:
        duckdb: { path: ./shop.duckdb }
`;
}

/** Whole or not at all, so that a demo that was killed meanwhile leaves a file that can be read. */
async function writePrivate(file: string, text: string): Promise<void> {
  const fresh = `${file}.new`;
  await rm(fresh, { force: true });
  await writeFile(fresh, text, { mode: 0o600, flag: 'wx' });
  await rename(fresh, file);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** The store for somebody who disposes what they get, while its owner goes on holding the lock. */
export function lent(store: Store): Store {
  return {
    loadCheckpoint: (shard) => store.loadCheckpoint(shard),
    saveCheckpoint: (shard, stored) => store.saveCheckpoint(shard, stored),
    loadHint: (pipeline, name) => store.loadHint(pipeline, name),
    saveHint: (pipeline, name, value) => store.saveHint(pipeline, name, value),
    [Symbol.asyncDispose]: async () => {},
  };
}
