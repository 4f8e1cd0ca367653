import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { lacksMemory, openError } from './duckdb-error.ts';
import { openInstance } from './open-instance.ts';
import { roomForColumns, roomForRow, roomForTables, vacuumTasks } from './room.ts';

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
  /** Lets DuckDB use what it needs for a row of so many bytes, if its memory limit is lower; until the file is closed. */
  allowRow(bytes: number): Promise<void>;
  /** The same for a table of so many columns. Those that are in the file when it is opened are known. */
  allowColumns(columns: number): Promise<void>;
  /** The same for commits to so many tables, which have so many columns together. */
  allowTables(tables: number, columns: number): Promise<void>;
  /** Runs one after the other what must not run twice at once on this file in this process. */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
  /** Gives the file up; with the last user it is closed and its lock is free. Idempotent. */
  release(): Promise<void>;
}

/** Below this DuckDB has not room enough for a merge. */
const LEAST_MEMORY = 64 * 2 ** 20;

/**
 * Blocks of a new file; one that is there keeps its own. DuckDB's own 256 KiB would be taken for each column of each table
 * that a commit appends to, twice. Smaller ones than these would leave text uncompressed.
 */
const BLOCK_BYTES = 64 * 2 ** 10;

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
  readonly #threads: number;
  /** DuckDB's memory limit, in bytes. */
  #limit: number;
  /** Columns of the widest table. */
  #columns = 0;
  #users = 0;
  #queue: Promise<unknown> = Promise.resolve();
  open = true;

  private constructor(path: string, instance: DuckDBInstance, name: string, threads: number, limit: number) {
    this.#path = path;
    this.#instance = instance;
    this.#name = name;
    this.#threads = threads;
    this.#limit = limit;
  }

  static async open(path: string, options: DatabaseOptions): Promise<OpenFile> {
    const limit = limitOf(options);
    let instance: DuckDBInstance | null = null;
    try {
      const opened = await openInstance(path, limit, settings(path, options));
      instance = opened.instance;
      const connection = await instance.connect();
      // Global, so that every connection prints and reads timestamps with a zone in UTC.
      await connection.run("SET GLOBAL TimeZone = 'UTC'");
      const result = await connection.run(
        "SELECT current_database(), current_setting('threads'), (SELECT max(column_count) FROM duckdb_tables())",
      );
      const [name, threads, columns] = (await result.getRows())[0]!;
      connection.closeSync();
      const file = new OpenFile(path, instance, String(name), Number(threads), limit);
      await file.#allowColumns(Number(columns ?? 1)).catch((error: unknown) => file.#keepLimit(error, opened.limit));
      return file;
    } catch (error) {
      instance?.closeSync();
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
      allowRow: (bytes) => this.#allowRow(bytes),
      allowColumns: (columns) => this.#allowColumns(columns),
      allowTables: (tables, columns) => this.#allowTables(tables, columns),
      exclusively: (work) => this.#exclusively(work),
      release: async () => {
        if (released) return;
        released = true;
        if (--this.#users === 0) this.#close();
      },
    };
  }

  async #allowRow(bytes: number): Promise<void> {
    if (roomForRow(bytes) <= this.#limit) return;
    this.#limit = Math.ceil(roomForRow(bytes));
    await this.#applyLimit();
    // What large values took then goes back to the system at once; small ones would pay for that with time.
    await this.#set("allocator_flush_threshold = '8MiB'", 'allocator_background_threads = true');
  }

  async #allowColumns(columns: number): Promise<void> {
    if (columns <= this.#columns) return;
    this.#columns = columns;
    this.#limit = Math.max(this.#limit, roomForColumns(columns));
    await this.#applyLimit();
  }

  async #allowTables(tables: number, columns: number): Promise<void> {
    if (roomForTables(tables, columns) <= this.#limit) return;
    this.#limit = roomForTables(tables, columns);
    await this.#applyLimit();
  }

  /** What the log of a crash left in memory can be more than DuckDB gets rid of. */
  #keepLimit(error: unknown, opened: number): void {
    if (!lacksMemory(error)) throw error;
    this.#limit = opened;
  }

  async #applyLimit(): Promise<void> {
    const tasks = vacuumTasks(this.#limit, this.#columns, this.#threads);
    await this.#set(`memory_limit = '${this.#limit}B'`, `max_vacuum_tasks = ${tasks}`);
  }

  async #set(...assignments: string[]): Promise<void> {
    const connection = await this.#instance.connect();
    try {
      for (const assignment of assignments) await connection.run(`SET GLOBAL ${assignment}`);
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
    temp_directory: `${path}.tmp`,
    default_block_size: String(BLOCK_BYTES),
    enable_external_access: 'false',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    ...(options.threads === undefined ? {} : { threads: String(options.threads) }),
  };
}
