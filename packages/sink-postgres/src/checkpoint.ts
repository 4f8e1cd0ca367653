import { closeClient, connect, query, type ConnectionConfig } from '@weir/postgres';
import { WeirError, type Checkpoint, type Json, type Shard } from '@weir/sdk';
import { sinkIs, type FencedCheckpoint } from '@weir/sql-sink';
import { OWN_SCHEMA } from './own-tables.ts';
import { sessionName } from './sink-connection.ts';
import { literal, quoting } from './sql-text.ts';
import type { Transaction } from './transaction.ts';

/** The pipeline's source; a pipeline of several sources will have a row for each. */
const SOURCE = 'source';
const TABLE = `${OWN_SCHEMA}.checkpoint`;

/** No number: what the server says when it is to be one names it. */
const FENCED = 'the fence of weir.checkpoint is another one: ';

/** How long a session whose connection broke may ask whether it lost its fence, in ms. */
const ASK_MS = 5_000;

/** One shard's row of `weir.checkpoint`: its fence, and how far it is. */
export class CheckpointRow implements FencedCheckpoint {
  readonly #transaction: Transaction;
  readonly #shard: Shard;
  readonly #key: string;
  readonly #fence: string;
  /** When the server started this session's backend. */
  readonly #since: string;
  /** The state that the row holds; compared by identity, as `Checkpoint.state` promises. */
  #state: Json | undefined;

  private constructor(transaction: Transaction, shard: Shard, fence: string, since: string) {
    this.#transaction = transaction;
    this.#shard = shard;
    this.#key = keyOf(shard);
    this.#fence = fence;
    this.#since = since;
  }

  /**
   * Takes the fence, in a transaction of its own: from here on a session that held it before commits nothing (invariant 5).
   * Waits while another session has the row locked.
   */
  static async take(transaction: Transaction, shard: Shard): Promise<CheckpointRow> {
    const { pipeline, sink } = shard;
    const { rows } = await transaction.run(
      `INSERT INTO ${TABLE} AS held (pipeline, sink, shard, source, fence)
        VALUES (${literal(pipeline)}, ${literal(sink)}, ${Math.trunc(shard.shard)}, ${literal(SOURCE)}, 1)
        ON CONFLICT (pipeline, sink, shard, source) DO UPDATE SET fence = held.fence + 1
        RETURNING fence, (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())`,
      { doing: 'taking the fence' },
    );
    const [fence, since] = rows[0]!;
    return new CheckpointRow(transaction, shard, fence!, since!);
  }

  /** The last committed checkpoint; null before the first. @throws WeirError WEIR_PG_FENCED */
  async read(): Promise<Checkpoint | null> {
    const sql = `SELECT position, state FROM ${TABLE} WHERE ${this.#key} AND fence = ${this.#fence}`;
    const [row] = (await this.#transaction.run(sql, { doing: 'reading the checkpoint' })).rows;
    if (row === undefined) throw this.fenced();
    const [position, text] = row;
    if (position == null) return null;
    const state = JSON.parse(text!) as Json;
    this.#state = state;
    return { position, state };
  }

  /**
   * Begins the transaction of a commit group and locks the row: until its end nobody takes the fence unnoticed.
   * @throws WeirError WEIR_PG_FENCED when another session has taken it
   */
  async begin(): Promise<void> {
    const lock = `SELECT fence FROM ${TABLE} WHERE ${this.#key} FOR UPDATE`;
    const { rows } = await this.#transaction.begin(lock, { doing: 'beginning a transaction' });
    if (rows[0]?.[0] !== this.#fence) throw this.fenced();
  }

  /**
   * Writes the checkpoint and commits, in one round trip. Where the fence is another one the statement fails, so that COMMIT
   * is not carried out and everything is undone (invariant 5).
   * @param now milliseconds since 1970
   * @throws WeirError WEIR_PG_FENCED when another session has taken the fence
   */
  async commit({ position, state }: Checkpoint, now: number): Promise<void> {
    const changed = state === this.#state ? '' : `state = ${literal(JSON.stringify(state))}, `;
    await this.#transaction.commit(
      `WITH held AS (
          UPDATE ${TABLE} SET position = ${literal(position)}, ${changed}updated_at = to_timestamp(${now / 1000})
            WHERE ${this.#key} AND fence = ${this.#fence} RETURNING 1)
        SELECT CASE count(*) WHEN 1 THEN 1 ELSE (${literal(FENCED)} || count(*))::integer END FROM held`,
      { doing: 'committing', explain: ({ message }) => (message.includes(FENCED) ? this.fenced() : null) },
    );
    this.#state = state;
  }

  /** Forgets how far the shard is. The fence stays: who held it before commits nothing more. @returns whether it was anywhere */
  async forget(): Promise<boolean> {
    const { count } = await this.#transaction.run(
      `UPDATE ${TABLE} SET position = NULL, state = NULL, updated_at = NULL
        WHERE ${this.#key} AND fence = ${this.#fence} AND position IS NOT NULL`,
      { doing: 'forgetting the checkpoint' },
    );
    return count > 0;
  }

  /**
   * Whether a session whose connection broke has a successor: then it was ended for good, and to connect again would take
   * the fence back from who took it over. A successor that still waits for the row counts as well.
   */
  async isLost(config: ConnectionConfig): Promise<boolean> {
    const client = await connect(config, AbortSignal.timeout(ASK_MS));
    try {
      const sql = `SELECT 1 FROM ${TABLE} WHERE ${this.#key} AND fence <> ${this.#fence}
        UNION ALL SELECT 1 FROM pg_stat_activity
          WHERE application_name = $1 AND datname = current_database() AND backend_start > $2::timestamptz`;
      return (await query(client, sql, [sessionName(this.#shard), this.#since])).length > 0;
    } finally {
      await closeClient(client);
    }
  }

  fenced(): WeirError {
    const { pipeline, sink, shard } = this.#shard;
    return new WeirError('WEIR_PG_FENCED', `another session has taken over shard ${shard} of ${pipeline}/${sink}`);
  }
}

function keyOf(shard: Shard): string {
  return `${sinkIs(quoting, shard)} AND shard = ${Math.trunc(shard.shard)} AND source = ${literal(SOURCE)}`;
}
