import { BatchChannel, CopyReader, Wire, connect, cutOnAbort, query as ask, quoteLiteral } from '@weir/postgres';
import type { TableBinding } from '@weir/pgoutput';
import type { Batch } from '@weir/sdk';
import type { PostgresConfig } from '../config.ts';

/**
 * Bytes of a chunk, and what of one is read ahead: then it is read to its end while the consumer is at the one before, and its
 * connection goes on with the next.
 */
export const CHUNK_BYTES: number = 8 << 20;
/**
 * What the server may sort in memory, in kB, where the order of the key is not that of the table: a chunk takes less. With the
 * server's default of 4 MB it would write each chunk to a file and read it back.
 */
const SORT_KB = 32 << 10;

/** What one COPY reads. */
export interface ChunkQuery {
  readonly sql: string;
  readonly binding: TableBinding;
}

/** A batch of a chunk. */
export interface ChunkBatch<Query extends ChunkQuery> {
  readonly query: Query;
  /** Null where a chunk has no rows. */
  readonly batch: Batch | null;
  /** Nothing of this chunk follows. */
  readonly isLast: boolean;
}

/** A connection, and what reads from it. */
interface Connection {
  readonly wire: Wire;
  readonly reader: CopyReader;
  /** In the queue of those that are free it takes no room. */
  readonly bytes: 0;
}

/** A COPY that is under way, or whose rows wait for the consumer. */
interface Running<Query> {
  readonly query: Query;
  readonly rows: AsyncGenerator<Batch>;
  next: Promise<IteratorResult<Batch, void>>;
  /** Chunks are counted: that of each is bounded. */
  readonly bytes: 1;
}

/** For statements that give none. */
const noRows: TableBinding = { table: { namespace: '', name: '', version: 0, columns: [], key: [] }, rewrites: [], skip: false };

/**
 * Connections that read chunks side by side; what they read comes in the order in which it was asked for. While one chunk is
 * consumed each connection reads another, or has read it: none of them stands still for that of another, and no more are read
 * ahead (invariant 8).
 */
export class ChunkReaders implements AsyncDisposable {
  readonly #config: PostgresConfig;
  readonly #connections: Connection[] = [];

  constructor(config: PostgresConfig) {
    this.#config = config;
  }

  /**
   * Begins a transaction on each connection, with the tables locked. All of them at once, and before anything is read: who
   * waits for a lock on a table would have a reader wait behind them, and wait themselves for the others.
   */
  async begin(lock: string, signal: AbortSignal): Promise<void> {
    while (this.#connections.length < this.#config.snapshot.max_connections) this.#connections.push(await this.#connect(signal));
    await this.#run(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${lock}`);
  }

  /** What all of them read from now on. @param snapshot its exported name */
  async see(snapshot: string): Promise<void> {
    await this.#run(`SET TRANSACTION SNAPSHOT ${quoteLiteral(snapshot)}`);
  }

  /** Ends the transactions, and lets their locks go. */
  async end(): Promise<void> {
    await this.#run('ROLLBACK');
  }

  /** Runs a statement without rows on every connection, none of which reads. */
  async #run(sql: string): Promise<void> {
    try {
      await Promise.all(this.#connections.map(async ({ reader }) => await reader.read(sql, noRows).next()));
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  /** @param queries is asked for the next one while the connections read */
  async *read<Query extends ChunkQuery>(
    queries: AsyncIterator<Query, void>,
    signal: AbortSignal,
  ): AsyncGenerator<ChunkBatch<Query>> {
    const running = new BatchChannel<Running<Query>>(this.#connections.length - 1);
    const free = new BatchChannel<Connection>(0);
    for (const connection of this.#connections) await free.push(connection);
    const cut = (): void => this.abandon();
    signal.addEventListener('abort', cut);
    const starting = this.#startAll(queries, free, running);
    let isWhole = false;
    try {
      for (let head = await running.next(); head !== null; head = await running.next()) yield* this.#batches(head);
      isWhole = true;
    } finally {
      signal.removeEventListener('abort', cut);
      if (!isWhole) this.abandon();
      running.end();
      free.fail(new Error('nobody reads'));
      await starting;
    }
  }

  /** Begins one chunk after the other, each as soon as a connection is free and few enough wait. */
  async #startAll<Query extends ChunkQuery>(
    queries: AsyncIterator<Query, void>,
    free: BatchChannel<Connection>,
    running: BatchChannel<Running<Query>>,
  ): Promise<void> {
    try {
      for (let next = await queries.next(); next.done !== true; next = await queries.next()) {
        const connection = (await free.next())!;
        await running.push(start(next.value, connection, () => void free.push(connection)));
      }
      running.end();
    } catch (error) {
      running.fail(error);
    }
  }

  async *#batches<Query extends ChunkQuery>(head: Running<Query>): AsyncGenerator<ChunkBatch<Query>> {
    const { query } = head;
    let held: Batch | null = null;
    for (let next = await head.next; next.done !== true; next = await head.next) {
      head.next = head.rows.next();
      // Whoever stops reading here does not wait for it.
      head.next.catch(() => {});
      if (held !== null) yield { query, batch: held, isLast: false };
      held = next.value;
    }
    yield { query, batch: held, isLast: true };
  }

  async #connect(signal: AbortSignal): Promise<Connection> {
    const client = await connect(this.#config, signal);
    using _ = cutOnAbort(client, signal);
    await ask(client, MORE_SORT_MEMORY);
    const wire = new Wire(client);
    return { wire, reader: new CopyReader(wire), bytes: 0 };
  }

  /** Cuts the connections: what they read is lost, and their locks are let go. */
  abandon(): void {
    for (const { wire } of this.#connections.splice(0)) wire.abandon();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#connections.splice(0).map(async ({ wire }) => await wire[Symbol.asyncDispose]()));
  }
}

const MORE_SORT_MEMORY = `
  SELECT set_config('work_mem', '${SORT_KB}', false) FROM pg_settings WHERE name = 'work_mem' AND setting::bigint < ${SORT_KB}`;

/** @param ended called when the connection can be used again */
function start<Query extends ChunkQuery>(query: Query, { reader }: Connection, ended: () => void): Running<Query> {
  const rows = reader.read(query.sql, query.binding, { aheadBytes: CHUNK_BYTES, ended });
  const next = rows.next() as Promise<IteratorResult<Batch, void>>;
  // Whoever stops before it does not wait for it.
  next.catch(() => {});
  return { query, rows, next, bytes: 1 };
}
