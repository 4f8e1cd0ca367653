import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { lastingPort } from './lasting-port.ts';

test('a lasting port can be listened on, and is below those of outgoing connections', async () => {
  const port = await lastingPort();
  expect(port).toBeGreaterThanOrEqual(20_000);
  expect(port).toBeLessThan(32_768);
  await using server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  expect(server.address()).toMatchObject({ port });
});
