import type pg from 'pg';
import { socketOf } from './client-socket.ts';
import { serverError } from './server-error.ts';

/**
 * How long the server may take over a statement. Locks are waited for 30 s at most (`lock_timeout`) and catalogs are small,
 * so what takes longer is a server, or something in front of it, that hangs.
 */
const ANSWER_TIMEOUT_MS = 300_000;

/** Values stay the text that the server sent. */
const asText = { getTypeParser: () => (text: string) => text } as pg.CustomTypesConfig;

/**
 * Runs a statement and returns its rows as text or null.
 * @param timeoutMs the connection is cut when no answer came by then; null for a statement that may take as long as it likes,
 *   such as making a slot, which waits for the transactions of others
 * @throws WeirError, see {@link serverError}
 */
export async function query(
  client: pg.Client,
  sql: string,
  values: unknown[] = [],
  { timeoutMs = ANSWER_TIMEOUT_MS }: { readonly timeoutMs?: number | null } = {},
): Promise<Record<string, string | null>[]> {
  const cut = (): void => void socketOf(client).destroy(new Error(`no answer within ${timeoutMs! / 1000} s`));
  const timer = timeoutMs === null ? undefined : setTimeout(cut, timeoutMs);
  try {
    const result = await client.query<Record<string, string | null>>({ text: sql, values, types: asText });
    return result.rows;
  } catch (error) {
    throw serverError(error, 'the server refused a statement');
  } finally {
    clearTimeout(timer);
  }
}
