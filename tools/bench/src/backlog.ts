import { systemClock, type Checkpoint } from '@weir/sdk';
import { temporaryPostgres } from '@weir/services';
import { postgres } from '@weir/source-postgres';
import pg from 'pg';

export const PIPELINE = 'bench';
/** Slot and publication. */
export const SLOT: string = 'weir_bench';
const SETTINGS = {
  max_wal_size: '16GB',
  wal_level: 'logical',
  // A contender that sends no word for a minute is not to be cut off.
  wal_sender_timeout: '0',
  // Each slot that stands for a contender has one that keeps its place.
  max_replication_slots: '100',
  max_wal_senders: '50',
};

/** Changes that a slot has not given yet: what every contender reads, each from the same place. */
export interface Backlog extends AsyncDisposable {
  readonly url: string;
  readonly serverPid: number;
  readonly client: pg.Client;
  readonly rows: number;
  /** Where it begins, for the source of Weir. */
  readonly checkpoint: Checkpoint;
  /** The end of the log behind it. */
  readonly end: string;
  /** Makes a slot anew where another one stood when the backlog began. */
  slotAtStart(name: string, like?: string): Promise<void>;
}

/** A server whose tables are empty yet. */
export interface Start {
  readonly url: string;
  readonly client: pg.Client;
  /** Remembers where a slot stands. */
  readonly keep: (slot: string) => Promise<void>;
}

/** The tables of a backlog, and the transactions that fill it. */
export interface Load {
  /** Statements; the tables are empty behind them. */
  readonly create: string;
  /** One transaction each. */
  readonly transactions: readonly string[];
  /** Rows that they change, each row as often as it is changed. */
  readonly rows: number;
  /** One of the tables, and how many rows it has in the end. */
  readonly table: string;
  readonly kept: number;
}

const CREATE =
  'CREATE TABLE orders (id bigserial PRIMARY KEY, customer int, status text, amount numeric(10, 2), at timestamptz, note text)';

function insert(rows: number): string {
  return `INSERT INTO orders (customer, status, amount, at, note)
    SELECT i % 977, 'shipped', (i % 500) + 0.99, '2025-03-01 12:34:56.789012+00', 'note on order ' || i || repeat('.', 20)
      FROM generate_series(1, ${rows}) i`;
}

/** Six columns, about 99 bytes a row, in a hundred transactions. */
export function orders(rows: number): Load {
  const each = Math.ceil(rows / 100);
  return load(Array.from({ length: 100 }, () => insert(each)), each * 100);
}

/** The same rows, each in a transaction of its own. */
export function tiny(rows: number): Load {
  return load(Array.from({ length: rows }, () => insert(1)), rows);
}

function load(transactions: readonly string[], rows: number): Load {
  return { create: CREATE, transactions, rows, table: 'orders', kept: rows };
}

/**
 * A server with a backlog. The slot is made before, by Weir, which reads nothing.
 * @param before called when the slot stands and the tables are empty
 */
export async function makeBacklog(
  { create, transactions, rows }: Load,
  before?: (start: Start) => Promise<void>,
): Promise<Backlog> {
  const server = await temporaryPostgres(SETTINGS);
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await client.query(create);
  const copySlot = async (from: string, to: string): Promise<void> => {
    await client.query('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1', [to]);
    await client.query('SELECT pg_copy_logical_replication_slot($1, $2)', [from, to]);
  };
  const keep = async (slot: string): Promise<void> => await copySlot(slot, keeperOf(slot));
  const checkpoint = await openOnce(server.url);
  await keep(SLOT);
  await before?.({ url: server.url, client, keep });
  await client.query('SET synchronous_commit = off');
  for (const transaction of transactions) await client.query(transaction);
  await client.query('CHECKPOINT');
  const at = await client.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn() AS lsn');
  return {
    url: server.url,
    serverPid: server.pid,
    client,
    rows,
    checkpoint,
    end: at.rows[0]!.lsn,
    slotAtStart: async (name, like = SLOT) => await copySlot(keeperOf(like), name),
    async [Symbol.asyncDispose]() {
      await client.end();
      await server[Symbol.asyncDispose]();
    },
  };
}

const keeperOf = (slot: string): string => `${slot}_kept`;

/** The source as its contender opens it. @param catchUpAt its `catch_up_at` */
export function sourceOf(url: string, catchUpAt: number | null = null): ReturnType<typeof postgres> {
  const context = { pipeline: PIPELINE, name: 'source', clock: systemClock };
  return postgres({ url, tables: ['public.*'], snapshot: { mode: 'never' }, catch_up_at: catchUpAt }, context);
}

/** Makes slot and publication. @returns the first checkpoint */
async function openOnce(url: string): Promise<Checkpoint> {
  const abort = new AbortController();
  const source = sourceOf(url);
  await using session = await source.open(null, abort.signal);
  session.finishAt(await source.head(abort.signal));
  let last: Checkpoint | null = null;
  for await (const batch of session.batches(abort.signal)) {
    last = batch.checkpoint ?? last;
    batch.release();
  }
  if (last === null) throw new Error('the source gave no checkpoint');
  return last;
}
