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
