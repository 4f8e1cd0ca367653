import { query } from '@weir/postgres';
import type pg from 'pg';

/** From here on publications have column lists, row filters and schemas. */
export const LISTS_AND_FILTERS = 150_000;
/** From here on standbys can keep copies of slots, and the server says why it gave one up. */
export const FAILOVER_SLOTS = 170_000;
/** From here on publications can have stored generated columns, and a slot skips one that is younger than its log. */
export const GENERATED_COLUMNS = 180_000;

const known = new WeakMap<pg.Client, Promise<number>>();

/** `server_version_num`, for example 180004; asked once for each connection. */
export async function serverVersion(client: pg.Client): Promise<number> {
  const asked = known.get(client) ?? askVersion(client);
  known.set(client, asked);
  return await asked;
}

async function askVersion(client: pg.Client): Promise<number> {
  const [row] = await query(client, 'SHOW server_version_num');
  return Number(row!['server_version_num']);
}
