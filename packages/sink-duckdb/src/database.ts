import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { openError } from './duckdb-error.ts';

/** What the first opener of a file in this process decides. */
export interface DatabaseOptions {
  /** DuckDB's memory limit in bytes; past it, it spills into files beside the database (invariant 8). */
  readonly memoryLimit: number;
  /** DuckDB's threads; undefined = one per core. */
  readonly threads: number | undefined;
}

/**
 * A DuckDB file that is open in this process. All users of a file share one instance: a file that DuckDB opened twice in
 * one process would be corrupted, since its lock keeps out other processes only.
 */
export interface Database {
  readonly path: string;
  /** The name that DuckDB gives the database, from the file's. */
  readonly name: string;
  connect(): Promise<DuckDBConnection>;
  /** Lets DuckDB use so much memory, in bytes, if its limit is lower; until the file is closed. */
  allow(bytes: number): Promise<void>;
  /** Runs one after the other what must not run twice at once on this file in this process. */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
  /** Gives the file up; with the last user it is closed and its lock is free. Idempotent. */
  release(): Promise<void>;
}

/** Below this DuckDB has not room enough for a merge. */
const LEAST_MEMORY = 64 * 2 ** 20;

const files = new Map<string, Promise<OpenFile>>();

/** @throws WeirError WEIR_DUCKDB_LOCKED, WEIR_DUCKDB_OPEN */
export async function openDatabase(path: string, options: DatabaseOptions): Promise<Database> {
  const real = realPath(path);
  for (;;) {
    let opening = files.get(real);
    if (opening === undefined) {
      opening = OpenFile.open(real, options);
      files.set(real, opening);
      opening.catch(() => files.delete(real));
    }
    const file = await opening;
    // It may have been closed by its last user while this one was waiting.
    if (file.open) return file.use();
  }
}

/** One name for a file, whatever way leads to it. */
function realPath(path: string): string {
  const absolute = resolve(path);
  if (existsSync(absolute)) return realpathSync(absolute);
  const folder = dirname(absolute);
  return existsSync(folder) ? join(realpathSync(folder), basename(absolute)) : absolute;
}

class OpenFile {
  readonly #path: string;
  readonly #instance: DuckDBInstance;
  readonly #name: string;
  /** DuckDB's memory limit, in bytes. */
  #limit: number;
  #users = 0;
  #queue: Promise<unknown> = Promise.resolve();
  open = true;

  private constructor(path: string, instance: DuckDBInstance, name: string, limit: number) {
    this.#limit = limit;
    this.#path = path;
    this.#instance = instance;
    this.#name = name;
  }

  static async open(path: string, options: DatabaseOptions): Promise<OpenFile> {
    let instance: DuckDBInstance;
    try {
      instance = await DuckDBInstance.create(path, settings(path, options));
    } catch (error) {
      throw openError(error, path);
    }
    try {
      const connection = await instance.connect();
      // Global, so that every connection prints and reads timestamps with a zone in UTC.
      await connection.run("SET GLOBAL TimeZone = 'UTC'");
      const result = await connection.run('SELECT current_database()');
      const name = String((await result.getRows())[0]![0]);
      connection.closeSync();
      return new OpenFile(path, instance, name, limitOf(options));
    } catch (error) {
      instance.closeSync();
      throw openError(error, path);
    }
  }

  use(): Database {
    this.#users++;
    let released = false;
    return {
      path: this.#path,
      name: this.#name,
      connect: () => this.#instance.connect(),
      allow: (bytes) => this.#allow(bytes),
      exclusively: (work) => this.#exclusively(work),
      release: async () => {
        if (released) return;
        released = true;
        if (--this.#users === 0) this.#close();
      },
    };
  }

  async #allow(bytes: number): Promise<void> {
    if (bytes <= this.#limit) return;
    this.#limit = bytes;
    const connection = await this.#instance.connect();
    try {
      await connection.run(`SET GLOBAL memory_limit = '${Math.ceil(bytes)}B'`);
      // What large values took then goes back to the system at once; small ones would pay for that with time.
      await connection.run("SET GLOBAL allocator_flush_threshold = '8MiB'");
      await connection.run('SET GLOBAL allocator_background_threads = true');
    } finally {
      connection.closeSync();
    }
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work, work);
    this.#queue = turn.catch(() => {});
    return turn;
  }

  #close(): void {
    this.open = false;
    files.delete(this.#path);
    this.#instance.closeSync();
  }
}

function limitOf(options: DatabaseOptions): number {
  return Math.max(LEAST_MEMORY, Math.floor(options.memoryLimit));
}

/**
 * Nothing outside the file is reachable from SQL, and nothing is downloaded: people ask queries through Weir, and what
 * they may read is this database. The order matters: without external access DuckDB takes no other folder to spill into.
 */
function settings(path: string, options: DatabaseOptions): Record<string, string> {
  return {
    memory_limit: `${limitOf(options)}B`,
    temp_directory: `${path}.tmp`,
    enable_external_access: 'false',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    ...(options.threads === undefined ? {} : { threads: String(options.threads) }),
  };
}
