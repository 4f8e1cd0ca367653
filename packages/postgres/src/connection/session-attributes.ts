import type pg from 'pg';
import { WeirError } from '@weir/sdk';
import type { SessionAttributes } from './connection-config.ts';

/**
 * Holds a session against `target_session_attrs`, by what the server says of itself now.
 * @throws WeirError WEIR_PG_NO_TARGET when it is another
 */
export async function expectAttributes(client: pg.Client, wanted: SessionAttributes): Promise<void> {
  if (wanted === 'any') return;
  const sql = `SELECT CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE 'primary' END AS role,
                      CASE current_setting('transaction_read_only') WHEN 'on' THEN 'read-only' ELSE 'read-write' END AS writes`;
  const { rows } = await client.query<{ role: string; writes: string }>(sql);
  const { role, writes } = rows[0]!;
  const is = wanted === 'prefer-standby' ? 'standby' : wanted;
  if (role === is || writes === is) return;
  throw new WeirError('WEIR_PG_NO_TARGET', `the server is a ${role} and ${writes}, not ${is}`, { path: 'url' });
}
