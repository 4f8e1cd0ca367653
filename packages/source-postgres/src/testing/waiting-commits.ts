import { setTimeout as sleep } from 'node:timers/promises';
import type { TestDatabase } from './test-database.ts';

/**
 * From here on every commit of the server waits for a standby that there is not: it is in the log, and not visible.
 * @param database one with a row in `items`
 */
export async function holdCommits(database: TestDatabase): Promise<void> {
  await waitForStandby(database, 'nobody');
  // Backends know the setting before the checkpointer does, and it is the one that has them wait.
  while (!(await isHeld(database))) await sleep(20);
}

/** Commits that wait are done, and later ones do not wait. */
export async function letCommitsGo(database: TestDatabase): Promise<void> {
  await waitForStandby(database, '');
}

async function waitForStandby(database: TestDatabase, names: string): Promise<void> {
  await database.sql(`ALTER SYSTEM SET synchronous_standby_names = '${names}'`);
  await database.sql('SELECT pg_reload_conf()');
  while ((await database.value('SHOW synchronous_standby_names')) !== names) await sleep(20);
}

/** Tries a commit that changes nothing, that of a locked row, and cancels its wait. */
async function isHeld(database: TestDatabase): Promise<boolean> {
  let isDone = false;
  const trial = database.sql("SELECT 'trial' FROM items LIMIT 1 FOR UPDATE").then(() => {
    isDone = true;
  });
  while (!isDone) {
    const held = await database.sql(`SELECT pg_cancel_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event = 'SyncRep' AND query LIKE '%''trial''%'`);
    if (held.length === 0) continue;
    await trial;
    return true;
  }
  return false;
}
