import { closeClient, connect, query, type ConnectionConfig } from '@weir/postgres';
import type { Clock } from '@weir/sdk';

/** A fence is taken at once unless a predecessor is in the middle of a commit. */
const PATIENCE_MS = 100;
const PAUSE_MS = 100;

export interface Takeover {
  readonly config: ConnectionConfig;
  /** The process id of the backend that takes the fence. */
  readonly backend: number;
  /** See `sessionName`: whoever is called so and stands in the way is a predecessor. */
  readonly name: string;
  readonly clock: Clock;
}

/**
 * Does work that may wait for a row which a predecessor has locked. One that hangs, or was stopped in the middle of a
 * commit, would keep the lock: its backend is ended, and with it its transaction, so that it changes nothing more
 * (invariant 5). Others that hold the row, a person's session say, are left alone; the wait then ends with the lock timeout.
 */
export async function takeOver<T>(takeover: Takeover, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const working = work();
  const done = new AbortController();
  const over = working.then(
    () => done.abort(),
    () => done.abort(),
  );
  await takeover.clock.sleep(PATIENCE_MS, done.signal).catch(() => {});
  if (!done.signal.aborted) {
    // Whether ending the predecessor works out or not, the work itself says how it went.
    await endPredecessors(takeover, AbortSignal.any([signal, done.signal])).catch(() => {});
  }
  await over;
  return await working;
}

async function endPredecessors({ config, backend, name, clock }: Takeover, until: AbortSignal): Promise<void> {
  const client = await connect(config, until);
  try {
    while (!until.aborted) {
      await query(
        client,
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE pid = ANY (pg_blocking_pids($1)) AND application_name = $2 AND datname = current_database()`,
        [backend, name],
      );
      await clock.sleep(PAUSE_MS, until);
    }
  } finally {
    await closeClient(client);
  }
}
