import { WeirError, type Checkpoint, type Json, type Shard } from '@weir/sdk';
import { sinkIs, type Ask, type FencedCheckpoint } from '@weir/sql-sink';
import type { OwnTables } from './own-tables.ts';
import { literal, quoting } from './sql-text.ts';
import type { Transaction } from './transaction.ts';

/** The pipeline's source; a pipeline of several sources will have a row for each. */
const SOURCE = 'source';

/** The longest that a session waits between commits before the server ends it, in seconds: the most that MySQL takes on Windows. */
const REST_SECONDS = 2_147_483;

/** One shard's row of `_weir_checkpoint`: its fence, and how far it is. */
export class CheckpointRow implements FencedCheckpoint {
  readonly #transaction: Transaction;
  readonly #shard: Shard;
  readonly #table: string;
  readonly #key: string;
  readonly #idleSeconds: number;
  readonly fence: string;
  /** The state that the row holds; compared by identity, as `Checkpoint.state` promises. */
  #state: Json | undefined;

  private constructor(transaction: Transaction, shard: Shard, own: OwnTables, fence: string, idleTimeoutMs: number) {
    this.#transaction = transaction;
    this.#shard = shard;
    this.#table = own.checkpoint;
    this.#key = keyOf(shard);
    this.fence = fence;
    this.#idleSeconds = Math.max(1, Math.ceil(idleTimeoutMs / 1000));
  }

  /**
   * Takes the fence, in a transaction of its own: from here on a session that held it before commits nothing (invariant 5).
   * Waits while another session has the row locked.
   */
  static async take(transaction: Transaction, shard: Shard, own: OwnTables, idleTimeoutMs: number): Promise<CheckpointRow> {
    const { pipeline, sink } = shard;
    const at = { doing: 'taking the fence' };
    await transaction.begin(at);
    await transaction.run(
      `INSERT INTO ${own.checkpoint} (pipeline, sink, shard, source, fence)
        VALUES (${literal(pipeline)}, ${literal(sink)}, ${Math.trunc(shard.shard)}, ${literal(SOURCE)}, 1)
        ON DUPLICATE KEY UPDATE fence = fence + 1`,
      at,
    );
    const { rows } = await transaction.run(`SELECT fence FROM ${own.checkpoint} WHERE ${keyOf(shard)} FOR UPDATE`, at);
    await transaction.commit(at);
    return new CheckpointRow(transaction, shard, own, rows[0]![0]!, idleTimeoutMs);
  }

  /** The fence that a shard has now; null before the first session. */
  static async fenceOf(run: Ask, shard: Shard, own: OwnTables): Promise<string | null> {
    const { rows } = await run(`SELECT fence FROM ${own.checkpoint} WHERE ${keyOf(shard)}`);
    return rows[0]?.[0] ?? null;
  }

  /** The last committed checkpoint; null before the first. @throws WeirError WEIR_MYSQL_FENCED */
  async read(): Promise<Checkpoint | null> {
    const sql = `SELECT position, state FROM ${this.#table} WHERE ${this.#key} AND fence = ${this.fence}`;
    const [row] = (await this.#transaction.run(sql, { doing: 'reading the checkpoint' })).rows;
    if (row === undefined) throw this.fenced();
    const [position, text] = row;
    if (position == null) return null;
    const state = JSON.parse(text!) as Json;
    this.#state = state;
    return { position, state };
  }

  /**
   * Begins the transaction of a commit group and locks the row: until its end nobody takes the fence unnoticed. While it is
   * open the server ends a session that stands still.
   * @throws WeirError WEIR_MYSQL_FENCED when another session has taken it
   */
  async begin(): Promise<void> {
    const at = { doing: 'beginning a transaction' };
    await this.#transaction.run(`SET SESSION wait_timeout = ${this.#idleSeconds}`, at);
    await this.#transaction.begin(at);
    const { rows } = await this.#transaction.run(`SELECT fence FROM ${this.#table} WHERE ${this.#key} FOR UPDATE`, at);
    if (rows[0]?.[0] !== this.fence) throw this.fenced();
  }

  /**
   * Writes the checkpoint and commits. The row that is found has to be the one with this fence, else nothing is committed
   * (invariant 5): rows that are found are counted, not those that changed.
   * @param now milliseconds since 1970
   * @throws WeirError WEIR_MYSQL_FENCED when another session has taken the fence
   */
  async commit({ position, state }: Checkpoint, now: number): Promise<void> {
    const at = { doing: 'committing' };
    const changed = state === this.#state ? '' : `state = ${literal(JSON.stringify(state))}, `;
    const { count } = await this.#transaction.run(
      `UPDATE ${this.#table} SET position = ${literal(position)}, ${changed}updated_at = FROM_UNIXTIME(${now / 1000})
        WHERE ${this.#key} AND fence = ${this.fence}`,
      at,
    );
    if (count !== 1) throw this.fenced();
    await this.#transaction.commit(at);
    this.#state = state;
  }

  /** To be called when nothing is open any more: the session may rest for as long as nothing comes. */
  async rest(): Promise<void> {
    await this.#transaction.run(`SET SESSION wait_timeout = ${REST_SECONDS}`, { doing: 'resting' });
  }

  /** Forgets how far the shard is. The fence stays: who held it before commits nothing more. @returns whether it was anywhere */
  async forget(): Promise<boolean> {
    const { count } = await this.#transaction.run(
      `UPDATE ${this.#table} SET position = NULL, state = NULL, updated_at = NULL
        WHERE ${this.#key} AND fence = ${this.fence} AND position IS NOT NULL`,
      { doing: 'forgetting the checkpoint' },
    );
    return count > 0;
  }

  fenced(): WeirError {
    const { pipeline, sink, shard } = this.#shard;
    return new WeirError('WEIR_MYSQL_FENCED', `another session has taken over shard ${shard} of ${pipeline}/${sink}`);
  }
}

function keyOf(shard: Shard): string {
  return `${sinkIs(quoting, shard)} AND shard = ${Math.trunc(shard.shard)} AND source = ${literal(SOURCE)}`;
}
