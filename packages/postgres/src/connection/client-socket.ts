import type { Socket } from 'node:net';
import type pg from 'pg';

/** While it stands, an abort cuts the connection, so that whatever waits for the server fails at once. */
export function cutOnAbort(client: pg.Client, signal: AbortSignal): Disposable {
  const cut = (): void => void socketOf(client).destroy();
  signal.addEventListener('abort', cut);
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', cut) };
}

/** The socket under a client; pg does not declare it. */
export function socketOf(client: pg.Client): Socket {
  return (client as unknown as { connection: { stream: Socket } }).connection.stream;
}

/** How long a server may take to let go of a connection that was closed politely, in ms. */
export const GOODBYE_MS = 2_000;

/**
 * Ends a connection and waits until the server has let go, no longer than `GOODBYE_MS`: one that is out of reach would be
 * waited for until the system gives it up. Does not fail.
 * @param isPolite with a goodbye; else it is cut
 */
export async function closeClient(client: pg.Client, isPolite = true): Promise<void> {
  const socket = socketOf(client);
  if (!isPolite) socket.destroy();
  const late = setTimeout(() => socket.destroy(), GOODBYE_MS);
  await client.end().catch(() => {});
  clearTimeout(late);
}
