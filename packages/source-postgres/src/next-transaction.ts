import { serverError } from '@weir/postgres';
import type pg from 'pg';

/**
 * The id of a transaction that begins now: every transaction that is open, or was, has a lower one. The `xmax` of a snapshot
 * would not do. It follows the last transaction that has ended, and one that is open can have that id, or a higher one. The
 * id is not written to the log.
 */
export async function nextTransaction(client: pg.Client): Promise<bigint> {
  try {
    const results = (await client.query('BEGIN; SELECT pg_current_xact_id()::text AS id; ROLLBACK')) as unknown as pg.QueryResult<{ id: string }>[];
    return BigInt(results.find(({ rows }) => rows.length > 0)!.rows[0]!.id);
  } catch (error) {
    throw serverError(error, 'asking for a transaction id');
  }
}
