import type { DuckDBConnection } from '@duckdb/node-api';
import { WeirError, type Checkpoint, type Clock, type Json, type Shard } from '@weir/sdk';
import type { Database } from './database.ts';
import { isConflict, writeError } from './duckdb-error.ts';
import { makeOwnTables, ownSchema } from './own-tables.ts';
import { literal } from './sql-text.ts';

/** The pipeline's source; a pipeline of several sources will have a row for each. */
const SOURCE = 'source';
/** Another session's commit can be in the way for as long as it takes; then the engine tries again with back-off. */
const FENCE_ATTEMPTS = 20;
const FENCE_PAUSE_MS = 25;

/** One shard's row of `weir.checkpoint`: its fence, and how far it is. */
export class CheckpointRow {
  readonly #connection: DuckDBConnection;
  readonly #table: string;
  readonly #key: string;
  readonly #shard: Shard;
  readonly #fence: bigint;
  /** The state that the row holds; compared by identity, as `Checkpoint.state` promises. */
  #state: Json | undefined;

  private constructor(connection: DuckDBConnection, table: string, shard: Shard, fence: bigint) {
    this.#connection = connection;
    this.#table = table;
    this.#key = keyOf(shard);
    this.#shard = shard;
    this.#fence = fence;
  }

  /**
   * Takes the fence, in a transaction of its own: from here on a session that held it before commits nothing (invariant 5).
   * @throws WeirError WEIR_DUCKDB_QUERY, also when another session's commit stays in the way; WEIR_DUCKDB_SYNC
   */
  static async take(database: Database, connection: DuckDBConnection, shard: Shard, clock: Clock): Promise<CheckpointRow> {
    const table = `${ownSchema(database.name)}.checkpoint`;
    const fence = await database.exclusively(async () => {
      try {
        await makeOwnTables(database, connection);
        return await raiseFence(connection, table, shard, clock);
      } catch (error) {
        throw writeError(error, 'taking the fence');
      }
    });
    return new CheckpointRow(connection, table, shard, fence);
  }

  /** The last committed checkpoint; null before the first. */
  async read(): Promise<Checkpoint | null> {
    const result = await this.#connection.run(
      `SELECT position, state::VARCHAR FROM ${this.#table} WHERE ${this.#key} AND fence = ${this.#fence}`,
    );
    const row = (await result.getRows())[0];
    if (row === undefined) throw this.#fenced();
    if (row[0] === null) return null;
    const state = JSON.parse(String(row[1])) as Json;
    this.#state = state;
    return { position: String(row[0]), state };
  }

  /**
   * Writes the checkpoint within the open transaction.
   * @param now milliseconds since 1970
   * @throws WeirError WEIR_DUCKDB_FENCED when another session has taken the fence
   */
  async write(checkpoint: Checkpoint, now: number): Promise<void> {
    const state = checkpoint.state === this.#state ? '' : `state = ${literal(JSON.stringify(checkpoint.state))}, `;
    const sql =
      `UPDATE ${this.#table} SET position = ${literal(checkpoint.position)}, ${state}` +
      `updated_at = make_timestamptz(${Math.trunc(now * 1000)}) WHERE ${this.#key} AND fence = ${this.#fence}`;
    let changed: number;
    try {
      changed = (await this.#connection.run(sql)).rowsChanged;
    } catch (error) {
      if (isConflict(error)) throw await this.#conflict(error);
      throw error;
    }
    if (changed !== 1) throw this.#fenced();
  }

  /** Forgets how far the shard is. The fence stays: who held it before commits nothing more. @returns whether it was anywhere */
  async forget(): Promise<boolean> {
    const result = await this.#connection.run(
      `UPDATE ${this.#table} SET position = NULL, state = NULL, updated_at = NULL ` +
        `WHERE ${this.#key} AND fence = ${this.#fence} AND position IS NOT NULL`,
    );
    return result.rowsChanged > 0;
  }

  /** To be called after the commit: the row now holds this state. */
  committed(checkpoint: Checkpoint): void {
    this.#state = checkpoint.state;
  }

  /** Another transaction changed the row first: either the fence is gone, or something else is wrong and may pass. */
  async #conflict(error: unknown): Promise<WeirError> {
    await this.#connection.run('ROLLBACK');
    const result = await this.#connection.run(`SELECT fence FROM ${this.#table} WHERE ${this.#key}`);
    const fence = (await result.getRows())[0]?.[0];
    return fence === this.#fence ? writeError(error, 'writing the checkpoint') : this.#fenced();
  }

  #fenced(): WeirError {
    const { pipeline, sink, shard } = this.#shard;
    return new WeirError('WEIR_DUCKDB_FENCED', `another session has taken over shard ${shard} of ${pipeline}/${sink}`);
  }
}

function keyOf(shard: Shard): string {
  return (
    `pipeline = ${literal(shard.pipeline)} AND sink = ${literal(shard.sink)} AND shard = ${Math.trunc(shard.shard)} ` +
    `AND source = ${literal(SOURCE)}`
  );
}

async function raiseFence(connection: DuckDBConnection, table: string, shard: Shard, clock: Clock): Promise<bigint> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await raiseFenceOnce(connection, table, shard);
    } catch (error) {
      await connection.run('ROLLBACK').catch(() => {});
      if (!isConflict(error) || attempt === FENCE_ATTEMPTS) throw error;
      await clock.sleep(FENCE_PAUSE_MS);
    }
  }
}

async function raiseFenceOnce(connection: DuckDBConnection, table: string, shard: Shard): Promise<bigint> {
  await connection.run('BEGIN TRANSACTION');
  const result = await connection.run(`UPDATE ${table} SET fence = fence + 1 WHERE ${keyOf(shard)} RETURNING fence`);
  let fence = (await result.getRows())[0]?.[0];
  if (fence === undefined) {
    fence = 1n;
    await connection.run(
      `INSERT INTO ${table} (pipeline, sink, shard, source, fence) VALUES ` +
        `(${literal(shard.pipeline)}, ${literal(shard.sink)}, ${Math.trunc(shard.shard)}, ${literal(SOURCE)}, 1)`,
    );
  }
  await connection.run('COMMIT');
  return BigInt(String(fence));
}
