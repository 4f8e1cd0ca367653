import type { Answer as RawAnswer, MysqlClient } from '@weir/mysql';
import { WeirError } from '@weir/sdk';
import type { Answer, Ask, Doing, RowLoader, SqlTransaction } from '@weir/sql-sink';
import { InsertRows, insertFrames, type Frames } from './insert-rows.ts';
import { sinkError } from './sink-error.ts';

/** The session's one connection for rows, and the transaction that is open on it. */
export class Transaction implements SqlTransaction {
  readonly client: MysqlClient;
  /** What the server takes in one packet, in bytes. */
  readonly #packetBytes: number;
  /** Made for the first INSERT. */
  #frames: Frames | null = null;
  #open = false;
  #running = false;
  #ended = false;

  constructor(client: MysqlClient, packetBytes: number) {
    this.client = client;
    this.#packetBytes = packetBytes;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  async begin(at: Doing): Promise<void> {
    await this.run('START TRANSACTION READ WRITE', at);
    this.#open = true;
  }

  async commit(at: Doing): Promise<void> {
    await this.run('COMMIT', at);
    this.#open = false;
  }

  /** @throws WeirError, see {@link sinkError} */
  async run(sql: string, at: Doing): Promise<Answer> {
    const { rows, count } = await this.raw(sql, at);
    return { rows: rows.map((row) => row.map((cell) => (cell === null ? null : cell.toString()))), count };
  }

  /** The same, with cells as the server sent them. */
  async raw(sql: string, at: Doing): Promise<RawAnswer> {
    return await this.#exclusive(at, () => this.client.run(sql));
  }

  /** Runs a statement that is bytes already. @returns rows found or changed */
  async sendText(sql: Buffer, at: Doing): Promise<number> {
    return (await this.#exclusive(at, () => this.client.sendText(sql))).count;
  }

  /**
   * Inserts rows into a table.
   * @throws WeirError, see {@link sinkError}
   */
  async load(table: string, columns: string, at: Doing, fill: (rows: RowLoader) => Promise<void>): Promise<void> {
    await this.#exclusive(at, async () => {
      this.#frames ??= insertFrames(this.#packetBytes);
      const into = `INSERT INTO ${table} (${columns}) VALUES`;
      const rows = new InsertRows(this.client, into, this.#frames, this.#packetBytes);
      try {
        await fill(rows);
        await rows.end();
      } catch (error) {
        await rows.settled();
        throw error;
      }
    });
  }

  /** Ends the connection, and with it the open transaction, undone. */
  async end(): Promise<void> {
    this.#ended = true;
    await this.client.close(!this.#running);
  }

  async #exclusive<T>(at: Doing, work: () => Promise<T>): Promise<T> {
    if (this.#ended) throw new WeirError('WEIR_SDK_USE', `${at.doing}: the session is disposed`);
    this.#running = true;
    try {
      return await work();
    } catch (error) {
      throw sinkError(error, at);
    } finally {
      this.#running = false;
    }
  }
}

/** Statements on a connection that only reads, one by one. */
export function askOf(client: MysqlClient): Ask {
  const transaction = new Transaction(client, 0);
  return (sql) => transaction.run(sql, { doing: 'reading the catalog' });
}
