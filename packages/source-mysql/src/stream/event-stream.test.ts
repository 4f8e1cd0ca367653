import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { BatchWriter } from '@weir/sdk';
import { describe, expect, it } from 'vitest';
import { errorPacket, eventPackets, okPacket } from '../testing/packets.ts';
import { Peers } from '../testing/peer.ts';
import { BinlogConnection } from './binlog-connection.ts';
import { AHEAD_BYTES, EventStream } from './event-stream.ts';

const events = (count: number): Buffer[] => Array.from({ length: count }, (_, index) => Buffer.from(`event ${index}`));

/** Texts of events until there are so many. */
async function read(stream: EventStream, writer: BatchWriter, count: number): Promise<string[]> {
  const texts: string[] = [];
  for (;;) {
    while (texts.length < count && stream.next()) texts.push(Buffer.from(writer.data.subarray(stream.start, stream.end)).toString());
    if (texts.length === count) return texts;
    await stream.more();
  }
}

describe('the events of a connection', () => {
  it('come in their order, and are waited for', async () => {
    await using peers = await Peers.connected();
    const writer = new BatchWriter();
    await using stream = new EventStream(new BinlogConnection(peers.client), writer);
    const [first, ...rest] = eventPackets(events(100));
    const reading = read(stream, writer, 100);
    peers.server.write(Buffer.concat([okPacket(), first!]));
    await sleep(5);
    peers.server.write(Buffer.concat(rest));
    expect(await reading).toEqual(events(100).map(String));
  });

  it('that came before the server ended are read before its end is told', async () => {
    await using peers = await Peers.connected();
    const writer = new BatchWriter();
    await using stream = new EventStream(new BinlogConnection(peers.client), writer, 0);
    peers.server.end(Buffer.concat(eventPackets(events(3))));
    await once(peers.client, 'close');
    expect(await read(stream, writer, 3)).toHaveLength(3);
    await expect(read(stream, writer, 1)).rejects.toMatchObject({ code: 'WEIR_MYSQL_CONNECTION_LOST' });
  });

  it('end with what the server says', async () => {
    await using peers = await Peers.connected();
    const writer = new BatchWriter();
    await using stream = new EventStream(new BinlogConnection(peers.client), writer, 0);
    const kicked = 'A replica with the same server_uuid/server_id as this replica has connected to the source';
    peers.server.write(Buffer.concat([...eventPackets(events(1)), errorPacket(1236, kicked, 2)]));
    expect(await read(stream, writer, 1)).toEqual(['event 0']);
    await expect(read(stream, writer, 1)).rejects.toMatchObject({ code: 'WEIR_MYSQL_SERVER_ID' });
  });

  it('that leave nothing in the batch take no room in the slab (invariant 8)', async () => {
    await using peers = await Peers.connected();
    const writer = new BatchWriter();
    await using stream = new EventStream(new BinlogConnection(peers.client), writer, 0);
    const large = Array.from({ length: 40 }, (_, index) => Buffer.alloc(300_000, index));
    for (const packet of eventPackets(large)) peers.server.write(packet);
    for (const event of large) {
      while (!stream.next()) await stream.more();
      expect(event.equals(writer.data.subarray(stream.start, stream.end))).toBe(true);
      expect(writer.used).toBeLessThan(3 * AHEAD_BYTES);
    }
  });

  it('wait at the server while nobody asks for them (invariant 8)', async () => {
    await using peers = await Peers.connected();
    const writer = new BatchWriter();
    await using stream = new EventStream(new BinlogConnection(peers.client), writer, 0);
    const large = Array.from({ length: 64 }, () => Buffer.alloc(1 << 20, 'x'));
    let most = 0;
    const sent = new Promise<void>((resolve) => peers.server.write(Buffer.concat(eventPackets(large)), () => resolve()));
    for (let index = 0; index < large.length; index++) {
      while (!stream.next()) await stream.more();
      // A sink that takes its time.
      await sleep(2);
      most = Math.max(most, stream.unread);
      stream.close(null).release();
    }
    await sent;
    // One more read may have been under way.
    expect(most).toBeLessThan(2 * AHEAD_BYTES + (1 << 17));
    expect(peers.client.bytesRead).toBe(64 * ((1 << 20) + 5));
  });

  it('that are larger than what may wait come whole', async () => {
    await using peers = await Peers.connected();
    const writer = new BatchWriter();
    await using stream = new EventStream(new BinlogConnection(peers.client), writer, 0);
    const event = Buffer.alloc(20 << 20, 'y');
    peers.server.write(Buffer.concat(eventPackets([event])));
    while (!stream.next()) await stream.more();
    expect(event.equals(writer.data.subarray(stream.start, stream.end))).toBe(true);
  });
});

describe('waiting', () => {
  it('ends with its signal, and goes on afterwards', async () => {
    await using peers = await Peers.connected();
    const writer = new BatchWriter();
    await using stream = new EventStream(new BinlogConnection(peers.client), writer, 0);
    const abort = new AbortController();
    const waiting = stream.more(abort.signal);
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    peers.server.write(Buffer.concat(eventPackets(events(1))));
    expect(await read(stream, writer, 1)).toEqual(['event 0']);
  });

  it('ends when the stream is closed from this side, though the server does not answer', async () => {
    await using peers = await Peers.connected();
    const stream = new EventStream(new BinlogConnection(peers.client), new BatchWriter(), 0);
    peers.server.pause();
    const waiting = stream.more();
    await Promise.all([expect(waiting).rejects.toMatchObject({ code: 'WEIR_MYSQL_CONNECTION_LOST' }), stream[Symbol.asyncDispose]()]);
    expect(peers.client.destroyed).toBe(true);
    await stream[Symbol.asyncDispose]();
  });
});
