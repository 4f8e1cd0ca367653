import type { DuckDBConnection, DuckDBMaterializedResult, DuckDBValue } from '@duckdb/node-api';
import { WeirError } from '@weir/sdk';
import { SlabCopy } from './cells.ts';
import type { Database } from './database.ts';
import { writeError } from './duckdb-error.ts';
import { Slots } from './slots.ts';
import type { QualifiedName } from './sql-text.ts';

/**
 * The session's one connection and the transaction that is open on it, with the buffers that all loaders share.
 *
 * Statements are planned each time they run. A plan that is kept was made with the statistics of tables as they were then,
 * and DuckDB 1.5 answers wrongly or fails when it runs again over rows that came in since (a perfect hash aggregate that
 * was sized for an empty table).
 */
export class Transaction {
  readonly connection: DuckDBConnection;
  readonly slots: Slots = new Slots();
  readonly slab: SlabCopy = new SlabCopy();
  readonly #room: Pick<Database, 'allowDeletes'>;
  #open = false;
  #ended = false;
  #number = 0;

  /** @param room is asked before rows are deleted; by default nobody, for who only reads */
  constructor(connection: DuckDBConnection, room: Pick<Database, 'allowDeletes'> = { allowDeletes: async () => {} }) {
    this.connection = connection;
    this.#room = room;
  }

  /** Tells the session's temporary tables apart. */
  nextNumber(): number {
    return ++this.#number;
  }

  async begin(): Promise<void> {
    if (this.#open) return;
    await this.run('BEGIN TRANSACTION', 'beginning a transaction');
    this.#open = true;
  }

  async commit(): Promise<void> {
    await this.run('COMMIT', 'committing');
    this.#open = false;
  }

  /** To be called before rows are deleted. @param vectors how many vectors of the table lose some, at most */
  async allowDeletes(table: QualifiedName, vectors: number): Promise<void> {
    try {
      await this.#room.allowDeletes(table, vectors);
    } catch (error) {
      throw writeError(error, `making room for changes of ${table.schema}.${table.table}`);
    }
  }

  /** Stops the statement that is running and lets no other begin. */
  end(): void {
    this.#ended = true;
    this.connection.interrupt();
  }

  /** Undoes what the open transaction did, if one is open. DuckDB may have ended it itself already. */
  async rollback(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.connection.run('ROLLBACK').catch(() => {});
  }

  /**
   * Runs one or more statements; the answer is the last one's.
   * @param doing what it is for, in errors
   * @throws WeirError WEIR_DUCKDB_QUERY, WEIR_DUCKDB_SYNC
   */
  async run(sql: string, doing: string): Promise<DuckDBMaterializedResult> {
    if (this.#ended) throw new WeirError('WEIR_SDK_USE', `${doing}: the session is disposed`);
    try {
      return await this.connection.run(sql);
    } catch (error) {
      throw writeError(error, doing);
    }
  }

  async rows(sql: string, doing: string): Promise<DuckDBValue[][]> {
    const result = await this.run(sql, doing);
    return result.getRows();
  }
}
