import { chmod, chown, cp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryPostgres, type TemporaryPostgres } from '@weir/services';
import pg from 'pg';

/** The physical slot of the standby at its primary. */
export const STANDBY_SLOT = 'standby';

/** A streaming standby of a server, from a copy of its files. Slots are copied to it by `pg_sync_replication_slots()`. */
export async function standbyOf(primary: TemporaryPostgres): Promise<TemporaryPostgres> {
  return await temporaryPostgres(standbySettings(primary), {
    version: primary.version,
    prepare: async (directory) => await copyFiles(primary, directory),
  });
}

/** What makes a server the standby of another. */
export function standbySettings(primary: TemporaryPostgres): Record<string, string> {
  const { password } = new URL(primary.url);
  const conninfo = `host=127.0.0.1 port=${primary.port} user=postgres password=${password} dbname=postgres`;
  return { primary_conninfo: conninfo, primary_slot_name: STANDBY_SLOT, hot_standby_feedback: 'on' };
}

/** A base backup, as `pg_basebackup` makes one, whose log is to be streamed. */
async function copyFiles(primary: TemporaryPostgres, directory: string): Promise<void> {
  const client = new pg.Client({ connectionString: primary.url });
  await client.connect();
  try {
    await client.query('SELECT pg_create_physical_replication_slot($1, true)', [STANDBY_SLOT]);
    const newer = primary.version >= 15;
    await client.query(newer ? "SELECT pg_backup_start('standby', true)" : "SELECT pg_start_backup('standby', true, false)");
    const kept = (from: string): boolean => !/\/data\/(postmaster\.(pid|opts)|pg_replslot\/.+|pg_wal\/.+)$/.test(from);
    await cp(primary.directory, directory, { recursive: true, filter: kept });
    const stop = newer ? 'SELECT labelfile FROM pg_backup_stop(false)' : 'SELECT labelfile FROM pg_stop_backup(false, false)';
    const { rows } = await client.query<{ labelfile: string }>(stop);
    const data = join(directory, 'data');
    await writeFile(join(data, 'backup_label'), rows[0]!.labelfile);
    await writeFile(join(data, 'standby.signal'), '');
    await rm(join(directory, 'server.log'), { force: true });
    await giveAway(data, await stat(primary.directory));
  } finally {
    await client.end();
  }
}

/** The files are read by the account that runs the server. */
async function giveAway(folder: string, { uid, gid }: { uid: number; gid: number }): Promise<void> {
  await chmod(folder, 0o700);
  await chown(folder, uid, gid);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await giveAway(path, { uid, gid });
    else await chown(path, uid, gid);
  }
}
