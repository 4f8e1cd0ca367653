import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { Duplex } from 'node:stream';
import type pg from 'pg';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { tcpServer, type TcpServer } from './testing/tcp-server.ts';
import { Wire, parseErrorResponse } from './wire.ts';

/** A wire to a server of the test, as after a login. */
async function wired(server: TcpServer): Promise<Wire> {
  const socket = connectSocket(server.port, '127.0.0.1');
  await once(socket, 'connect');
  return new Wire({ connection: { stream: socket } } as unknown as pg.Client);
}

const TERMINATE = '5800000004';

/** Reads everything that comes, and ends the connection `delay` ms after its other side did. */
async function goodServer(received: Buffer[], delay: number): Promise<TcpServer> {
  return await tcpServer((socket) => {
    socket.on('data', (chunk: Buffer) => received.push(chunk));
    socket.on('end', () => setTimeout(() => socket.end(), delay));
  });
}

describe('a wire', () => {
  test('sends queries and copy data in frames', async () => {
    const received: Buffer[] = [];
    await using server = await goodServer(received, 0);
    const wire = await wired(server);
    wire.query('SELECT 1');
    wire.copyData(Buffer.from('abc'));
    await wire[Symbol.asyncDispose]();
    expect(Buffer.concat(received).toString('hex')).toBe(
      `510000000d${Buffer.from('SELECT 1\0').toString('hex')}6400000007616263${TERMINATE}`,
    );
  });

  test('that is disposed waits until the server has let go: a slot is free then', async () => {
    await using server = await goodServer([], 300);
    const wire = await wired(server);
    const asked = Date.now();
    await Promise.all([wire[Symbol.asyncDispose](), wire[Symbol.asyncDispose]()]);
    expect(Date.now() - asked).toBeGreaterThanOrEqual(290);
  });

  test('that is disposed waits two seconds for a server that hangs, not longer', async () => {
    await using server = await tcpServer(() => {});
    const wire = await wired(server);
    const asked = Date.now();
    await wire[Symbol.asyncDispose]();
    expect(Date.now() - asked).toBeGreaterThan(1_500);
    expect(Date.now() - asked).toBeLessThan(15_000);
  });

  test('that is disposed reads on, since a server that cannot send does not listen', async () => {
    const flood = Buffer.alloc(1 << 20);
    await using server = await tcpServer((socket) => {
      for (let i = 0; i < 32; i++) socket.write(flood);
      socket.on('end', () => socket.end());
      socket.resume();
    });
    const wire = await wired(server);
    wire.pause();
    const asked = Date.now();
    await wire[Symbol.asyncDispose]();
    expect(Date.now() - asked).toBeLessThan(1_900);
  });

  test('that is abandoned is cut at once', async () => {
    await using server = await tcpServer((socket) => socket.resume());
    const wire = await wired(server);
    await expect.poll(() => server.sockets.length).toBe(1);
    const closed = once(server.sockets[0]!, 'end');
    wire.abandon();
    await closed;
    await wire[Symbol.asyncDispose]();
  });

  test.each(['dispose', 'abandon', 'the server’s end'] as const)('tells who reads, once: %s', async (how) => {
    await using server = await goodServer([], 0);
    const wire = await wired(server);
    await expect.poll(() => server.sockets.length).toBe(1);
    const failures: string[] = [];
    wire.onFailure = ({ code }) => failures.push(code);
    if (how === 'abandon') wire.abandon();
    else if (how === 'dispose') await wire[Symbol.asyncDispose]();
    else server.sockets[0]!.end();
    await expect.poll(() => failures).toEqual(['WEIR_PG_CONNECTION_LOST']);
    await wire[Symbol.asyncDispose]();
    expect(failures).toHaveLength(1);
    expect(wire.failure).toMatchObject({ code: 'WEIR_PG_CONNECTION_LOST' });
    wire.copyData(Buffer.from('nothing is sent any more'));
  });
});

describe('a wire that gathers', () => {
  /** A wire to a socket of the test, and the chunks that it reads. */
  function gathering() {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const socket = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() });
    const wire = new Wire({ connection: { stream: socket } } as unknown as pg.Client, { gathers: true });
    let bytes = 0;
    wire.onData = (chunk) => void (bytes += chunk.length);
    const read = (times: number, length = 10): void => {
      for (let i = 0; i < times; i++) socket.emit('data', Buffer.alloc(length));
    };
    return { wire, read, isResting: () => socket.isPaused(), bytes: () => bytes };
  }

  test('rests for a millisecond when many small reads follow each other, and loses none', () => {
    const { read, isResting, bytes } = gathering();
    read(15);
    expect(isResting()).toBe(false);
    read(1);
    expect(isResting()).toBe(true);
    vi.advanceTimersByTime(1);
    expect(isResting()).toBe(false);
    expect(bytes()).toBe(160);
  });

  test('reads on where reads are large, or come one at a time', () => {
    const { read, isResting } = gathering();
    for (let i = 0; i < 40; i++) {
      read(10);
      read(1, 32 << 10);
    }
    for (let i = 0; i < 40; i++) {
      read(1);
      vi.advanceTimersByTime(1);
    }
    expect(isResting()).toBe(false);
  });

  test('stays paused, or goes on, as who reads it says meanwhile', () => {
    const { wire, read, isResting } = gathering();
    read(16);
    wire.pause();
    vi.advanceTimersByTime(5);
    expect(isResting()).toBe(true);
    wire.resume();
    expect(isResting()).toBe(false);
    wire.pause();
    read(16);
    wire.resume();
    expect(isResting()).toBe(true);
    vi.advanceTimersByTime(1);
    expect(isResting()).toBe(false);
  });
});

test('an error response gives code and message, also when it is cut off, and no byte behind it', () => {
  const whole = Buffer.from('SFATAL\0C57P01\0Mgoodbye\0Dsecret\0\0behind');
  expect(parseErrorResponse(whole, 0, whole.length - 6)).toEqual({ code: '57P01', message: 'goodbye' });
  expect(parseErrorResponse(whole, 0, 16)).toEqual({ code: '57P01', message: 'unknown error' });
  expect(parseErrorResponse(Buffer.from('Mabc'), 0, 4)).toEqual({ code: '', message: 'unknown error' });
  expect(parseErrorResponse(Buffer.alloc(0), 0, 0)).toEqual({ code: '', message: 'unknown error' });
});
