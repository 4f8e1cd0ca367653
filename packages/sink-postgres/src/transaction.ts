import { closeClient, CopyWriter } from '@weir/postgres';
import { WeirError } from '@weir/sdk';
import type pg from 'pg';
import type { Answer as SqlAnswer, Ask, Cell, RowLoader, SqlTransaction } from '@weir/sql-sink';
import { CopyRows, copyFrames } from './copy-rows.ts';
import { sinkError, type Doing } from './postgres-error.ts';

/** Values stay the text that the server sent. */
const asText = { getTypeParser: () => (text: string) => text } as pg.CustomTypesConfig;

/** What the last of one or more statements answered. */
interface Answer extends SqlAnswer {
  readonly command: string;
}

/** The session's one connection and the transaction that is open on it. */
export class Transaction implements SqlTransaction {
  readonly client: pg.Client;
  /** Made for the first COPY. */
  #frames: readonly [Buffer, Buffer] | null = null;
  #open = false;
  #running = false;
  #ended = false;

  constructor(client: pg.Client) {
    this.client = client;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** @param lock a query that goes with BEGIN in one round trip; its answer is returned */
  async begin(lock: string, at: Doing): Promise<Answer> {
    const answer = await this.run(`BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; ${lock}`, at);
    this.#open = true;
    return answer;
  }

  /** @param last a statement that goes with COMMIT in one round trip; where it fails nothing is committed */
  async commit(last: string, at: Doing): Promise<void> {
    const { command } = await this.run(`${last}; COMMIT`, at);
    this.#open = false;
    // The server answers so, and no error, when a statement before had failed.
    if (command !== 'COMMIT') throw new WeirError('WEIR_INTERNAL', `the server answered COMMIT with ${command}`);
  }

  /**
   * Runs one or more statements.
   * @throws WeirError, see {@link sinkError}
   */
  async run(sql: string, at: Doing): Promise<Answer> {
    return await this.#exclusive(at, async () => {
      const query = { text: sql, rowMode: 'array' as const, types: asText };
      const result = await this.client.query<Cell[]>(query);
      const last = (Array.isArray(result) ? result.at(-1) : result) as pg.QueryArrayResult<Cell[]>;
      return { command: last.command, rows: last.rows, count: last.rowCount ?? 0 };
    });
  }

  /**
   * Copies rows into a table. One that has none of the columns any more still gets its rows.
   * @throws WeirError, see {@link sinkError}
   */
  async load(table: string, columns: string, at: Doing, fill: (rows: RowLoader) => Promise<void>): Promise<void> {
    await this.#exclusive(at, async () => {
      const writer = CopyWriter.start(this.client, `COPY ${table}${columns === '' ? '' : ` (${columns})`} FROM STDIN`);
      try {
        const rows = new CopyRows(writer, (this.#frames ??= copyFrames()));
        await fill(rows);
        await rows.end();
      } catch (error) {
        await writer.fail();
        throw error;
      }
      await writer.end();
    });
  }

  /**
   * Ends the connection, and with it the open transaction, undone. A statement that is running is cut off: the server
   * notices within `client_connection_check_interval`, and a successor does not wait for that.
   */
  async end(): Promise<void> {
    this.#ended = true;
    await closeClient(this.client, !this.#running);
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
export function askOf(client: pg.Client): Ask {
  const transaction = new Transaction(client);
  return (sql) => transaction.run(sql, { doing: 'reading the catalog' });
}
