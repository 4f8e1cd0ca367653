import { once } from 'node:events';
import { expect, test } from 'vitest';
import { tcpServer } from '../testing/tcp-server.ts';
import { oneBufferSocket, takeReads } from './socket-reads.ts';

test('listeners keep what they get; whoever takes the reads over gets them in one buffer', async () => {
  await using server = await tcpServer(() => {});
  const socket = oneBufferSocket();
  const heard: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => heard.push(chunk));
  socket.connect(server.port, '127.0.0.1');
  await expect.poll(() => server.sockets.length).toBe(1);
  const [other] = server.sockets;

  other!.write('abc');
  await expect.poll(() => heard.length).toBe(1);
  other!.write('xyz');
  await expect.poll(() => heard.map(String)).toEqual(['abc', 'xyz']);

  socket.removeAllListeners('data');
  const taken: { readonly chunk: Buffer; readonly text: string }[] = [];
  takeReads(socket, (chunk) => taken.push({ chunk, text: chunk.toString() }));
  other!.write('123');
  await expect.poll(() => taken.length).toBe(1);
  other!.write('456');
  await expect.poll(() => taken.map(({ text }) => text)).toEqual(['123', '456']);
  expect(taken[0]!.chunk.toString()).toBe('456');
  expect(heard).toHaveLength(2);

  const closed = once(socket, 'close');
  other!.end();
  socket.end();
  await closed;
});

test('one that is paused reads nothing, however much comes', async () => {
  await using server = await tcpServer((other) => void other.write(Buffer.alloc(64 << 20)));
  const socket = oneBufferSocket();
  let bytes = 0;
  let isPaused = false;
  takeReads(socket, (chunk) => {
    expect(isPaused).toBe(false);
    bytes += chunk.length;
    isPaused = true;
    socket.pause();
  });
  socket.connect(server.port, '127.0.0.1');
  await expect.poll(() => bytes).toBeGreaterThan(0);
  const before = bytes;
  expect(before).toBeLessThanOrEqual(64 << 10);
  isPaused = false;
  socket.resume();
  await expect.poll(() => bytes).toBeGreaterThan(before);
  expect(bytes).toBeLessThanOrEqual(before + (64 << 10));
  socket.destroy();
});
