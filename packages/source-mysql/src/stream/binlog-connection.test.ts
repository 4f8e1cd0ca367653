import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { MysqlGtidSet } from '@weir/binlog';
import { BatchWriter, Secret } from '@weir/sdk';
import { describe, expect, it } from 'vitest';
import { eventPackets, okPacket } from '../testing/packets.ts';
import { Peers } from '../testing/peer.ts';
import { BinlogConnection } from './binlog-connection.ts';
import { dumpCommand, registration, type DumpRequest } from './dump-request.ts';
import { EventStream } from './event-stream.ts';
import { replicaIdentity } from './replica-identity.ts';

const request: DumpRequest = { flavour: 'mysql', identity: replicaIdentity('shop', null), start: new MysqlGtidSet(), heartbeatMs: 20 };
const command = dumpCommand(request);

describe('a connection', () => {
  it('registers, asks for the log, and is lost when not even heartbeats come', async () => {
    await using peers = await Peers.connected();
    const connection = new BinlogConnection(peers.client);
    connection.start(command, request);
    const asked = Buffer.concat([registration(request.identity), command]);
    const [chunk] = (await once(peers.server, 'data')) as [Buffer];
    expect(asked.subarray(0, chunk.length).equals(chunk)).toBe(true);
    await using stream = new EventStream(connection, new BatchWriter());
    await expect(stream.more()).rejects.toMatchObject({ code: 'WEIR_MYSQL_CONNECTION_LOST', message: expect.stringContaining('heartbeat') as string });
    expect(peers.client.destroyed).toBe(true);
  });

  it('is not lost while it is this side that does not read', async () => {
    await using peers = await Peers.connected();
    const connection = new BinlogConnection(peers.client);
    connection.start(command, request);
    const stream = new EventStream(connection, new BatchWriter());
    peers.server.write(Buffer.concat([okPacket(), ...eventPackets([Buffer.from('one')])]));
    await sleep(200);
    expect(connection.failure).toBeNull();
    while (!stream.next()) await stream.more();
    await stream[Symbol.asyncDispose]();
    await stream[Symbol.asyncDispose]();
    expect(connection.failure).toMatchObject({ code: 'WEIR_MYSQL_CONNECTION_LOST' });
  });

  it('that is being opened to a server that does not answer ends with its signal', async () => {
    const server = createServer((socket) => socket.on('error', () => {}));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection');
    const abort = new AbortController();
    const { port } = server.address() as AddressInfo;
    const opening = BinlogConnection.open({ url: new Secret(`mysql://root@127.0.0.1:${port}/`) }, request, abort.signal);
    await accepted;
    abort.abort(new Error('enough'));
    await expect(opening).rejects.toThrow('enough');
    server.close();
    await once(server, 'close');
  });
});
