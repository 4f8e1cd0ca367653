import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that systems give to outgoing connections: Linux begins at 32768, others higher. */
const FROM = 20_000;
const TO = 32_768;
/** Ports that are tried before something else must be wrong. */
const TRIES = 100;

/**
 * A port of 127.0.0.1 that is free now, and that nobody is given while its server is down for a moment: not by the system, to
 * whoever connects somewhere.
 * @throws Error where all that were tried are taken
 */
export async function lastingPort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = randomInt(FROM, TO);
    if (await isFree(port)) return port;
  }
  throw new Error(`no port of 127.0.0.1 from ${FROM} to ${TO - 1} is free`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
