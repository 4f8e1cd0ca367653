import { targetName, type Batch, type Table, type TableReader } from '@weir/sdk';
import type { Database } from './database.ts';
import { scanTable } from './scan.ts';
import type { SinkRules } from './sink-rules.ts';

/** Reads tables of a file that is opened once; each over a connection of its own, which costs nothing in one process. */
export class DuckdbTableReader implements TableReader {
  readonly #open: () => Promise<Database>;
  readonly #rules: SinkRules;
  #database: Database | null = null;

  constructor(open: () => Promise<Database>, rules: SinkRules) {
    this.#open = open;
    this.#rules = rules;
  }

  async *scan(table: Table, signal: AbortSignal): AsyncGenerator<Batch> {
    const database = (this.#database ??= await this.#open());
    const connection = await database.connect();
    try {
      const target = { database: database.name, ...targetName(table, this.#rules.target) };
      yield* scanTable(connection, table, { target, rules: this.#rules }, signal);
    } finally {
      connection.interrupt();
      connection.closeSync();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const database = this.#database;
    this.#database = null;
    await database?.release();
  }
}
