import { connect, query, type ConnectionConfig, type MysqlClient } from '@weir/mysql';
import { WeirError, type Clock, type Shard } from '@weir/sdk';
import { CheckpointRow } from './checkpoint.ts';
import type { OwnTables } from './own-tables.ts';
import { literal } from './sql-text.ts';
import { askOf } from './transaction.ts';

/** A fence is taken at once unless a predecessor is in the middle of a commit. */
const PATIENCE_MS = 100;
const PAUSE_MS = 100;
/** How many pauses a connection that was ended may take to be gone: half a minute. */
const MAX_PAUSES = 300;
/** How long a session whose connection broke may ask whether it lost its fence, in ms. */
const ASK_MS = 5_000;

/**
 * Names by which connections of a shard's sessions are found, by its digest. They are user locks, which say who holds them, and are no fence:
 * that is the row of `_weir_checkpoint`.
 */
export const sessionMarks = {
  /** Of the session that has a fence. */
  rows: (digest: string, fence: string): string => `weir_${digest}_${fence}`,
  /** Of its side connection. */
  side: (digest: string, fence: string): string => `weir_${digest}_${fence}_side`,
  /** Of one that is taking the fence. */
  next: (digest: string): string => `weir_${digest}_next`,
};

/** Puts a mark on a connection until it ends. */
export async function mark(client: MysqlClient, name: string): Promise<void> {
  await query(client, `SELECT GET_LOCK(${literal(name)}, 0)`);
}

export interface Takeover {
  readonly config: ConnectionConfig;
  readonly shard: Shard;
  readonly own: OwnTables;
  readonly clock: Clock;
}

/**
 * Takes the fence, which may wait for a row that a predecessor has locked. One that hangs, or was stopped in the middle of a
 * commit, would keep the lock: its connections are ended, and with them its transaction, so that it changes nothing more
 * (invariant 5). Others that hold the row, a person's session say, are left alone; the wait then ends with the lock timeout.
 */
export async function takeOver<T>(
  client: MysqlClient,
  takeover: Takeover,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const { shard, own, clock } = takeover;
  const fence = await CheckpointRow.fenceOf(askOf(client), shard, own);
  const next = sessionMarks.next(own.digest(shard));
  await mark(client, next);
  const working = work();
  const done = new AbortController();
  const over = working.then(
    () => done.abort(),
    () => done.abort(),
  );
  await clock.sleep(PATIENCE_MS, done.signal).catch(() => {});
  if (!done.signal.aborted && fence !== null) {
    // Whether ending the predecessor works out or not, the work itself says how it went.
    await endPredecessor(takeover, fence, AbortSignal.any([signal, done.signal])).catch(() => {});
  }
  await over;
  const result = await working;
  // Of one that died the transaction is gone, but what it was doing to the shape of a table may still wait for readers.
  if (fence !== null) await endConnections(client, [sessionMarks.side(own.digest(shard), fence)], clock, signal);
  await query(client, `SELECT RELEASE_LOCK(${literal(next)})`);
  return result;
}

async function endPredecessor({ config, shard, own, clock }: Takeover, fence: string, until: AbortSignal): Promise<void> {
  const client = await connect(config, until);
  const digest = own.digest(shard);
  const names = [sessionMarks.rows(digest, fence), sessionMarks.side(digest, fence)];
  try {
    for (;;) {
      await endConnections(client, names, clock, until);
      await clock.sleep(PAUSE_MS, until);
    }
  } finally {
    await client.close();
  }
}

/**
 * Ends the connections that have marks, and waits until they are gone.
 * @param until ends the waiting
 * @throws WeirError WEIR_MYSQL_LOCKED when one does not end
 */
async function endConnections(client: MysqlClient, marks: readonly string[], clock: Clock, until: AbortSignal): Promise<void> {
  for (let pause = 0; pause < MAX_PAUSES; pause++) {
    const [found] = await query(client, `SELECT ${marks.map((name) => `IS_USED_LOCK(${literal(name)})`).join(', ')}`);
    const ids = found!.filter((id) => id !== null);
    if (ids.length === 0) return;
    // One that has ended meanwhile cannot be ended.
    for (const id of ids) await query(client, `KILL CONNECTION ${id}`).catch(() => {});
    await clock.sleep(PAUSE_MS, until);
  }
  throw new WeirError('WEIR_MYSQL_LOCKED', 'a connection of the session before this one does not end');
}

/**
 * Whether a session whose connection broke has a successor: then it was ended for good, and to connect again would take the
 * fence back from who took it over. A successor that still waits for the row counts as well.
 */
export async function isLost({ config, shard, own }: Takeover, fence: string): Promise<boolean> {
  const client = await connect(config, AbortSignal.timeout(ASK_MS));
  try {
    const [next] = await query(client, `SELECT IS_USED_LOCK(${literal(sessionMarks.next(own.digest(shard)))})`);
    return next![0] !== null || (await CheckpointRow.fenceOf(askOf(client), shard, own)) !== fence;
  } finally {
    await client.close();
  }
}
