import { existsSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { WeirError, type Json, type Shard } from '@weir/sdk';
import { useError } from './sqlite-error.ts';
import { openStateFile, stateFile } from './sqlite-file.ts';
import type { Store, StoredCheckpoint, StoredHint } from './store.ts';

/**
 * The store of one process: the file `weir.sqlite` of a directory, made private (0700, 0600) where it is missing.
 * What is saved is on the disk when the call resolves. After WEIR_STORE_WRITE every call fails: what an interrupted
 * sync left behind is known only after opening again.
 *
 * The file is locked until the store is disposed or the process ends, kill -9 included.
 * @throws WeirError WEIR_STORE_LOCKED within a quarter of a second while another store of any process has the directory,
 *   WEIR_STORE_OPEN when it is not writable, damaged, or written by a later version, WEIR_STORE_WRITE when the disk is full
 */
export function openSqliteStore(directory: string): Store {
  return new SqliteStore(openStateFile(directory), stateFile(directory));
}

/**
 * The hints of a directory that no process has open, for `weir status`; empty when there is no state yet, and none is made.
 * It locks the directory while it reads, so a running process answers for itself.
 * @throws WeirError as {@link openSqliteStore}; WEIR_STORE_LOCKED says that a process runs
 */
export function readHints(directory: string): readonly StoredHint[] {
  const path = stateFile(directory);
  if (!existsSync(path)) return [];
  const database = openStateFile(directory);
  try {
    return database
      .prepare('SELECT pipeline, name, value FROM hint ORDER BY pipeline, name')
      .all()
      .map((row) => ({ pipeline: text(row['pipeline']), name: text(row['name']), value: json(row['value']) }));
  } catch (error) {
    throw useError(error, path);
  } finally {
    database.close();
  }
}

/** See {@link openSqliteStore}. The store owns the database from here on. */
export class SqliteStore implements Store {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #loadCheckpoint: StatementSync;
  readonly #saveCheckpoint: StatementSync;
  readonly #loadHint: StatementSync;
  readonly #saveHint: StatementSync;
  #failure: WeirError | null = null;

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
    this.#loadCheckpoint = database.prepare(
      'SELECT position, state, staged FROM checkpoint WHERE pipeline = ? AND sink = ? AND shard = ?',
    );
    this.#saveCheckpoint = database.prepare(
      'INSERT OR REPLACE INTO checkpoint (pipeline, sink, shard, position, state, staged) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#loadHint = database.prepare('SELECT value FROM hint WHERE pipeline = ? AND name = ?');
    this.#saveHint = database.prepare('INSERT OR REPLACE INTO hint (pipeline, name, value) VALUES (?, ?, ?)');
  }

  async loadCheckpoint({ pipeline, sink, shard }: Shard): Promise<StoredCheckpoint | null> {
    const row = this.#use(() => this.#loadCheckpoint.get(pipeline, sink, shard));
    if (row === undefined) return null;
    const staged = row['staged'] === null ? null : json(row['staged']);
    return { checkpoint: { position: text(row['position']), state: json(row['state']) }, staged };
  }

  async saveCheckpoint({ pipeline, sink, shard }: Shard, { checkpoint, staged }: StoredCheckpoint): Promise<void> {
    const state = JSON.stringify(checkpoint.state);
    const intent = staged === null ? null : JSON.stringify(staged);
    this.#use(() => this.#saveCheckpoint.run(pipeline, sink, shard, checkpoint.position, state, intent));
  }

  async loadHint(pipeline: string, name: string): Promise<Json | null> {
    const row = this.#use(() => this.#loadHint.get(pipeline, name));
    return row === undefined ? null : json(row['value']);
  }

  async saveHint(pipeline: string, name: string, value: Json): Promise<void> {
    const encoded = JSON.stringify(value);
    this.#use(() => this.#saveHint.run(pipeline, name, encoded));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#database.isOpen) this.#database.close();
  }

  #use<T>(action: () => T): T {
    if (this.#failure !== null) throw this.#failure;
    if (!this.#database.isOpen) throw new WeirError('WEIR_SDK_USE', 'the store was used after it was disposed');
    try {
      return action();
    } catch (error) {
      this.#failure = useError(error, this.#path);
      throw this.#failure;
    }
  }
}

function text(value: unknown): string {
  return value as string;
}

function json(value: unknown): Json {
  return JSON.parse(text(value)) as Json;
}
