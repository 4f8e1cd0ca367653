import type { MysqlClient } from '@weir/mysql';
import { WeirError } from '@weir/sdk';
import type { Answer, Doing } from '@weir/sql-sink';
import { sinkError } from './sink-error.ts';

/**
 * A session's second connection, for statements that would end the transaction of the first: DDL. It is made when it is first
 * needed. The first holds the fence's row locked meanwhile, so that nobody else has taken it (invariant 5).
 */
export class SideConnection {
  readonly #connect: () => Promise<MysqlClient>;
  #client: MysqlClient | null = null;
  #ended = false;
  #running = false;

  constructor(connect: () => Promise<MysqlClient>) {
    this.#connect = connect;
  }

  /** @throws WeirError, see {@link sinkError} */
  async run(sql: string | Buffer, at: Doing): Promise<Answer> {
    if (this.#ended) throw new WeirError('WEIR_SDK_USE', `${at.doing}: the session is disposed`);
    this.#client ??= await this.#connect();
    this.#running = true;
    try {
      const { rows, count } = await (typeof sql === 'string' ? this.#client.run(sql) : this.#client.sendText(sql));
      return { rows: rows.map((row) => row.map((cell) => (cell === null ? null : cell.toString()))), count };
    } catch (error) {
      throw sinkError(error, at);
    } finally {
      this.#running = false;
    }
  }

  async end(): Promise<void> {
    this.#ended = true;
    const client = this.#client;
    this.#client = null;
    await client?.close(!this.#running);
  }
}
