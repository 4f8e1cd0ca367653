import pg from 'pg';
import { expect, test } from 'vitest';
import { tcpServer, type TcpServer } from '../testing/tcp-server.ts';
import { closeClient } from './client-socket.ts';

/** AuthenticationOk and ReadyForQuery. */
const WELCOME = Buffer.from('5200000008000000005a0000000549', 'hex');

/** Lets everybody in, and says no more. @param onGoodbye called when the other side has ended the connection */
async function serverThat(onGoodbye: (end: () => void) => void): Promise<TcpServer> {
  return await tcpServer((socket) => {
    socket.once('data', () => socket.write(WELCOME));
    socket.on('data', () => {});
    socket.on('end', () => onGoodbye(() => socket.end()));
  });
}

async function connected(server: TcpServer): Promise<pg.Client> {
  const client = new pg.Client({ host: '127.0.0.1', port: server.port, user: 'nobody', database: 'none' });
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** How long it takes to end a connection, in ms. */
async function timeToClose(client: pg.Client, isPolite?: boolean): Promise<number> {
  const asked = Date.now();
  await closeClient(client, isPolite);
  return Date.now() - asked;
}

test('a connection that is closed waits until the server has let go', async () => {
  await using server = await serverThat((end) => setTimeout(end, 300));
  expect(await timeToClose(await connected(server))).toBeGreaterThanOrEqual(290);
});

test('it waits two seconds for a server that hangs, not longer, and once more not at all', async () => {
  await using server = await serverThat(() => {});
  const client = await connected(server);
  const waited = await timeToClose(client);
  expect(waited).toBeGreaterThan(1_500);
  expect(waited).toBeLessThan(15_000);
  await closeClient(client);
});

test('one that is cut does not wait', async () => {
  await using server = await serverThat(() => {});
  expect(await timeToClose(await connected(server), false)).toBeLessThan(1_500);
});
