import { parseLsn } from '@weir/pgoutput';
import { serverError } from '@weir/postgres';
import type pg from 'pg';

/**
 * Writes a mark into the log, which no stream shows, and returns its LSN. A commit behind it waits for the disk: so
 * asynchronous commits before the mark are on disk too, and the stream comes by it though nothing follows. The log's end
 * itself would not do: behind a record that is half on disk, of an open transaction, the stream does not get there.
 */
export async function markLog(client: pg.Client): Promise<bigint> {
  const sql = `BEGIN; SET LOCAL synchronous_commit = local;
    SELECT pg_logical_emit_message(false, 'weir', 'head')::text AS lsn, pg_current_xact_id(); COMMIT`;
  try {
    const results = (await client.query(sql)) as unknown as pg.QueryResult<{ lsn: string }>[];
    return parseLsn(results.find(({ rows }) => rows.length > 0)!.rows[0]!.lsn);
  } catch (error) {
    throw serverError(error, 'marking the log');
  }
}
