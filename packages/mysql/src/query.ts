import type { MysqlClient } from './client.ts';
import { serverError } from './connection/mysql-error.ts';

/** How long the server may take over a statement about its catalog or itself, in ms. */
const ANSWER_TIMEOUT_MS = 300_000;

/**
 * Runs a statement and returns its rows as text or null.
 * @throws WeirError, see {@link serverError}; the connection is cut when no answer came within 5 minutes
 */
export async function query(client: MysqlClient, sql: string): Promise<(string | null)[][]> {
  const timer = setTimeout(() => client.socket.destroy(new Error('no answer within 300 s')), ANSWER_TIMEOUT_MS);
  try {
    const { rows } = await client.run(sql);
    return rows.map((row) => row.map((cell) => (cell === null ? null : cell.toString())));
  } catch (error) {
    throw serverError(error, 'the server refused a statement');
  } finally {
    clearTimeout(timer);
  }
}
