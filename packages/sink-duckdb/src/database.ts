import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { silentLogger, type Logger } from '@weir/sdk';
import { lacksMemory, openError } from './duckdb-error.ts';
import { HeldDeletes } from './held-deletes.ts';
import { openInstance } from './open-instance.ts';
import { roomForColumns, roomForLog, roomForRow, roomForTables, vacuumTasks } from './room.ts';
import type { QualifiedName } from './sql-text.ts';

/** What the first opener of a file in this process decides. */
export interface DatabaseOptions {
  /** DuckDB's memory limit in bytes; past it, it spills into files beside the database (invariant 8). */
  readonly memoryLimit: number;
  /** DuckDB's threads; undefined = one per core. */
  readonly threads: number | undefined;
  /** Is told when the limit is raised. */
  readonly log?: Logger;
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
  /**
   * The same for what deletes hold until the next checkpoint, if a transaction leaves too little room beside it.
   * @param vectors how many vectors of the table are about to lose rows, at most
   */
  allowDeletes(table: QualifiedName, vectors: number): Promise<void>;
  /** Frees what deletes hold, when it is much. To be called behind a commit. @throws what DuckDB says */
  freeDeletes(): Promise<void>;
  /** The same for commits to so many tables, which have so many columns together. */
  allowTables(tables: number, columns: number): Promise<void>;
  /** Runs one after the other what must not run twice at once on this file in this process. */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
  /** Gives the file up; with the last user it is closed and its lock is free. Idempotent. */
  release(): Promise<void>;
}

/** Below this DuckDB has not room enough for a merge. */
const LEAST_MEMORY = 64 * 2 ** 20;
/** The part of the memory limit that deletes may hold when a transaction begins, and with what it deletes itself. */
const HELD_BEFORE = 1 / 4;
const HELD_WITHIN = 1 / 2;

/**
 * Blocks of a new file; one that is there keeps its own. DuckDB's own 256 KiB would be taken for each column of each table
 * that a commit appends to, twice. Smaller ones than these would leave text uncompressed.
 */
const BLOCK_BYTES = 64 * 2 ** 10;

/**
 * The oldest DuckDB that reads a new file, as it is of one with such blocks; one that is there keeps its own. By default a
 * file is written as for DuckDB 1.0, with 3 KiB for each column of a table, which each checkpoint makes anew.
 */
const READ_FROM = 'v1.2.0';

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

/** What is known of a file once it is open. */
interface Opened {
  readonly name: string;
  readonly threads: number;
  readonly limit: number;
  readonly log: Logger;
}

class OpenFile {
  readonly #path: string;
  readonly #instance: DuckDBInstance;
  readonly #name: string;
  readonly #threads: number;
  readonly #log: Logger;
  readonly #deletes = new HeldDeletes();
  /** DuckDB's memory limit, in bytes, beside what deletes may hold in addition. */
  #limit: number;
  /** What deletes may hold in addition, in bytes. */
  #forDeletes = 0;
  /** Bytes of log that gather before a checkpoint; 0 = as many as DuckDB lets gather by itself. */
  #logBytes = 0;
  /** Columns of the widest table. */
  #columns = 0;
  #users = 0;
  #queue: Promise<unknown> = Promise.resolve();
  open = true;

  private constructor(path: string, instance: DuckDBInstance, { name, threads, limit, log }: Opened) {
    this.#path = path;
    this.#instance = instance;
    this.#name = name;
    this.#threads = threads;
    this.#limit = limit;
    this.#log = log;
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
      const { log = silentLogger } = options;
      const file = new OpenFile(path, instance, { name: String(name), threads: Number(threads), limit, log });
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
      allowDeletes: (table, vectors) => this.#allowDeletes(table, vectors),
      freeDeletes: () => this.#freeDeletes(),
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
    await this.#applyLimit('a large row');
    // What large values took then goes back to the system at once; small ones would pay for that with time.
    await this.#run([
      "SET GLOBAL allocator_flush_threshold = '8MiB'",
      'SET GLOBAL allocator_background_threads = true',
    ]);
  }

  async #allowColumns(columns: number): Promise<void> {
    if (columns <= this.#columns) return;
    this.#columns = columns;
    const before = this.#limit;
    this.#limit = Math.max(before, roomForColumns(columns));
    await this.#applyLimit(this.#limit > before ? `a table of ${columns} columns` : null);
  }

  async #allowDeletes(table: QualifiedName, vectors: number): Promise<void> {
    this.#deletes.add(table, vectors);
    if (!(await this.#holds(HELD_WITHIN)) || this.#deletes.bytes <= this.#forDeletes) return;
    this.#forDeletes = this.#deletes.bytes;
    await this.#applyLimit('the deletes of one commit');
  }

  async #freeDeletes(): Promise<void> {
    if (!(await this.#holds(HELD_BEFORE))) return;
    await this.#run(['CHECKPOINT']);
    this.#deletes.clear();
  }

  /** Whether deletes hold more than a part of the memory limit. */
  async #holds(part: number): Promise<boolean> {
    if (this.#deletes.bytes <= this.#limit * part) return false;
    const connection = await this.#instance.connect();
    await this.#deletes.tighten(connection, this.#name).finally(() => connection.closeSync());
    return this.#deletes.bytes > this.#limit * part;
  }

  async #allowTables(tables: number, columns: number): Promise<void> {
    await this.#allowLog(roomForLog(tables));
    if (roomForTables(tables, columns) <= this.#limit) return;
    this.#limit = roomForTables(tables, columns);
    await this.#applyLimit(`a commit to ${tables} tables`);
  }

  /** Lets so many bytes of log gather before a checkpoint puts them in their place. */
  async #allowLog(bytes: number): Promise<void> {
    if (bytes <= this.#logBytes) return;
    this.#logBytes = bytes;
    await this.#run([`SET GLOBAL checkpoint_threshold = '${bytes}B'`]);
  }

  /** What the log of a crash left in memory can be more than DuckDB gets rid of. */
  #keepLimit(error: unknown, opened: number): void {
    if (!lacksMemory(error)) throw error;
    this.#limit = opened;
  }

  /** @param reason why it is raised; null when it is not */
  async #applyLimit(reason: string | null): Promise<void> {
    const tasks = vacuumTasks(this.#limit, this.#columns, this.#threads);
    const limit = this.#limit + this.#forDeletes;
    await this.#run([`SET GLOBAL memory_limit = '${limit}B'`, `SET GLOBAL max_vacuum_tasks = ${tasks}`]);
    if (reason === null) return;
    const fields = { path: this.#path, memory_limit: limit };
    this.#log.info(fields, `${reason} needs more memory than DuckDB had, its limit is raised`);
  }

  async #run(statements: readonly string[]): Promise<void> {
    const connection = await this.#instance.connect();
    try {
      for (const sql of statements) await connection.run(sql);
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
    storage_compatibility_version: READ_FROM,
    enable_external_access: 'false',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    ...(options.threads === undefined ? {} : { threads: String(options.threads) }),
  };
}
