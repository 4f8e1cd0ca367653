import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import type { TableBinding } from '@weir/pgoutput';
import type { WeirError } from '@weir/sdk';
import type pg from 'pg';
import { expect, test } from 'vitest';
import { CopyConnection } from './copy-connection.ts';
import { tcpServer, type TcpServer } from './testing/tcp-server.ts';

const { signal } = new AbortController();
const binding: TableBinding = {
  table: {
    namespace: 'public',
    name: 't',
    version: 1,
    key: [],
    columns: [{ name: 'c', type: { kind: 'string' }, nullable: true, sourceType: 'text' }],
  },
  rewrites: [null],
  skip: false,
};

function frame(type: string, payload: string): Buffer {
  const header = Buffer.alloc(5);
  header.write(type);
  header.writeInt32BE(payload.length + 4, 1);
  return Buffer.concat([header, Buffer.from(payload)]);
}

const ROW = frame('d', 'one\n');
const WHOLE = Buffer.concat([ROW, frame('c', ''), frame('C', 'COPY 1\0'), frame('Z', 'I')]);

/** Answers each query as the next of `answers` does, over all connections. */
async function serving(...answers: ((socket: Socket) => void)[]): Promise<TcpServer> {
  return await tcpServer((socket) => {
    socket.on('data', (bytes: Buffer) => {
      if (bytes[0] === 0x51) answers.shift()?.(socket);
    });
    socket.on('end', () => socket.end());
  });
}

const whole = (socket: Socket): void => void socket.write(WHOLE);
const goodbye = (socket: Socket): void => void socket.end();
const cut = (socket: Socket): void => void socket.destroy();

function connectionTo(server: TcpServer): CopyConnection {
  return new CopyConnection(async () => {
    const socket = connectSocket(server.port, '127.0.0.1');
    await once(socket, 'connect');
    return { connection: { stream: socket } } as unknown as pg.Client;
  });
}

/** Rows that were read, then the code of what ended it. */
async function read(connection: CopyConnection): Promise<(number | string)[]> {
  const all: (number | string)[] = [];
  try {
    for await (const batch of connection.read('COPY t TO STDOUT', binding, signal)) {
      all.push(batch.rows);
      batch.release();
    }
  } catch (error) {
    all.push((error as WeirError).code);
  }
  return all;
}

const LOST = 'WEIR_PG_CONNECTION_LOST';

test('copies come over one connection', async () => {
  await using server = await serving(whole, whole);
  await using connection = connectionTo(server);
  await connection.connect(signal);
  expect([await read(connection), await read(connection)]).toEqual([[1], [1]]);
  expect(server.sockets).toHaveLength(1);
});

test.each([
  ['says goodbye', goodbye],
  ['cuts it', cut],
])('where the server %s as the copy begins, after a rest, the copy is begun once more', async (_what, loses) => {
  await using server = await serving(whole, loses, whole);
  await using connection = connectionTo(server);
  expect([await read(connection), await read(connection)]).toEqual([[1], [1]]);
  expect(server.sockets).toHaveLength(2);
});

test('a new connection that is lost fails the copy, and the next copy has another', async () => {
  await using server = await serving(goodbye, whole, goodbye, cut, whole);
  await using connection = connectionTo(server);
  expect(await read(connection)).toEqual([LOST]);
  expect(await read(connection)).toEqual([1]);
  expect(await read(connection)).toEqual([LOST]);
  expect(await read(connection)).toEqual([1]);
  expect(server.sockets).toHaveLength(4);
});

test('once rows have come nothing is begun again: they would come twice', async () => {
  // More than a batch holds, without an end.
  const many = Buffer.concat(Array.from({ length: 10_000 }, () => ROW));
  await using server = await serving(whole, (socket) => socket.end(many), whole);
  await using connection = connectionTo(server);
  expect(await read(connection)).toEqual([1]);
  const [rows, code] = await read(connection);
  expect(rows).toBeGreaterThan(0);
  expect(code).toBe(LOST);
  expect(server.sockets).toHaveLength(1);
});

test('an abort cuts the copy with its reason', async () => {
  await using server = await serving(whole, () => abort.abort(new Error('enough')));
  const abort = new AbortController();
  await using connection = connectionTo(server);
  expect(await read(connection)).toEqual([1]);
  await expect(connection.read('COPY t TO STDOUT', binding, abort.signal).next()).rejects.toThrow('enough');
  expect(server.sockets).toHaveLength(1);
});
