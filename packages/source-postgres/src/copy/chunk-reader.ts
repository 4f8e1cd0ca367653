import { CopyReader, Wire, connect, cutOnAbort, quoteLiteral } from '@weir/postgres';
import type { TableBinding } from '@weir/pgoutput';
import type { Batch } from '@weir/sdk';
import type { PostgresConfig } from '../config.ts';

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

/** A COPY that is under way; it reads ahead up to the bound of `CopyReader`. */
interface Running<Query> {
  readonly query: Query;
  readonly wire: Wire;
  readonly rows: AsyncGenerator<Batch>;
  next: Promise<IteratorResult<Batch, void>>;
}

/** For statements that give none. */
const noRows: TableBinding = { table: { namespace: '', name: '', version: 0, columns: [], key: [] }, rewrites: [], skip: false };

/** Connections that read chunks side by side; what they read comes in the order in which it was asked for. */
export class ChunkReaders implements AsyncDisposable {
  readonly #config: PostgresConfig;
  readonly #idle: Wire[] = [];
  readonly #open = new Set<Wire>();

  constructor(config: PostgresConfig) {
    this.#config = config;
  }

  /**
   * Begins a transaction on each connection, with the tables locked. All of them at once, and before anything is read: who
   * waits for a lock on a table would have a reader wait behind them, and wait themselves for the others.
   */
  async begin(lock: string, signal: AbortSignal): Promise<void> {
    while (this.#idle.length < this.#config.snapshot.max_connections) this.#idle.push(await this.#connect(signal));
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

  /** Runs a statement without rows on every connection that is idle. */
  async #run(sql: string): Promise<void> {
    try {
      await Promise.all(this.#idle.map(async (wire) => await new CopyReader(wire).read(sql, noRows).next()));
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  /** @param queries is asked for the next one whenever a connection is free */
  async *read<Query extends ChunkQuery>(
    queries: AsyncIterator<Query, void>,
    signal: AbortSignal,
  ): AsyncGenerator<ChunkBatch<Query>> {
    const running: Running<Query>[] = [];
    let more = true;
    const cut = (): void => this.abandon();
    signal.addEventListener('abort', cut);
    try {
      while (true) {
        while (more && running.length < this.#config.snapshot.max_connections) {
          const query = await queries.next();
          if (query.done === true) more = false;
          else running.push(this.#start(query.value));
        }
        const head = running.shift();
        if (head === undefined) return;
        yield* this.#batches(head);
        this.#idle.push(head.wire);
      }
    } finally {
      signal.removeEventListener('abort', cut);
      for (const { next } of running) next.catch(() => {});
      if (running.length > 0) this.abandon();
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

  #start<Query extends ChunkQuery>(query: Query): Running<Query> {
    const wire = this.#idle.pop()!;
    const rows = new CopyReader(wire).read(query.sql, query.binding);
    const next = rows.next() as Promise<IteratorResult<Batch, void>>;
    next.catch(() => {});
    return { query, wire, rows, next };
  }

  async #connect(signal: AbortSignal): Promise<Wire> {
    const client = await connect(this.#config, signal);
    using _ = cutOnAbort(client, signal);
    const wire = new Wire(client);
    this.#open.add(wire);
    return wire;
  }

  /** Cuts the connections: what they read is lost, and their locks are let go. */
  abandon(): void {
    for (const wire of this.#open) wire.abandon();
    this.#open.clear();
    this.#idle.length = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const open = [...this.#open];
    this.#open.clear();
    this.#idle.length = 0;
    await Promise.all(open.map(async (wire) => await wire[Symbol.asyncDispose]()));
  }
}
