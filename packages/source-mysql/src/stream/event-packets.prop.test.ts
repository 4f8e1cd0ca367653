import { BatchWriter } from '@weir/sdk';
import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventPackets } from './event-packets.ts';
import { errorPacket, eventPackets, okPacket } from '../testing/packets.ts';

const parameters = { seed: testSeed, numRuns: 200 };
const MAX = 40;

const events = fc.array(fc.oneof(fc.uint8Array({ maxLength: 12 }), fc.uint8Array({ minLength: MAX - 2, maxLength: MAX * 4 })), { maxLength: 30 });
const cuts = fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 40 });
/** What is done behind an event. */
const acts = fc.array(fc.constantFrom('go on', 'close', 'hold'), { minLength: 1, maxLength: 20 });

/** Feeds bytes in pieces of these sizes, over and over. */
function* pieces(bytes: Buffer, sizes: readonly number[]): Generator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

describe('the events of a stream', () => {
  it('come whole, however the network cuts them and the server splits them, and whatever is done behind one', () => {
    fc.assert(
      fc.property(events, cuts, acts, (given, sizes, done) => {
        const writer = new BatchWriter();
        const packets = new EventPackets(writer, { answers: 1, maxPacket: MAX });
        const bytes = Buffer.concat([okPacket(), ...eventPackets(given, MAX)]);
        const got: Uint8Array[] = [];
        for (const piece of pieces(bytes, sizes)) {
          packets.arrived(piece);
          while (packets.next()) {
            got.push(writer.data.slice(packets.start, packets.end));
            const act = done[got.length % done.length];
            if (act === 'close') packets.close(null).release();
            if (act === 'hold') {
              packets.hold();
              // Events out of a payload lie there, and a batch may end between them.
              writer.append(Buffer.from('inner'));
              if (got.length % 2 === 0) packets.close(null).release();
              packets.release();
            }
          }
          // An idle stream's batch ends while an event is not whole.
          if (done[(got.length + 1) % done.length] === 'close') packets.close(null).release();
        }
        expect(got).toEqual(given);
        expect(packets.unread).toBe(0);
      }),
      parameters,
    );
  });

  it('that arrive while the bytes behind one are held come after it', () => {
    const writer = new BatchWriter();
    const packets = new EventPackets(writer, { answers: 0 });
    const [first, second, third] = eventPackets([Buffer.from('one'), Buffer.from('two'), Buffer.from('three')]);
    packets.arrived(Buffer.concat([first!, second!.subarray(0, 3)]));
    expect(packets.next()).toBe(true);
    packets.hold();
    const read = Buffer.from(second!.subarray(3));
    packets.arrived(read);
    read.fill(0);
    expect(packets.unread).toBe(second!.length);
    expect(() => packets.next()).toThrow(expect.objectContaining({ code: 'WEIR_SDK_USE' }) as Error);
    packets.release();
    packets.arrived(third!);
    const texts: string[] = [];
    while (packets.next()) texts.push(Buffer.from(writer.data.subarray(packets.start, packets.end)).toString());
    expect(texts).toEqual(['two', 'three']);
  });

  it('of 16 MiB and more are put together', () => {
    const writer = new BatchWriter();
    const packets = new EventPackets(writer, { answers: 0 });
    const large = [0xff_fffd, 0xff_fffe, 0x1ff_fffd].map((size) => Buffer.alloc(size, size % 251));
    for (const piece of pieces(Buffer.concat(eventPackets(large)), [65_536])) packets.arrived(piece);
    for (const event of large) {
      expect(packets.next()).toBe(true);
      expect(event.equals(writer.data.subarray(packets.start, packets.end)), `${event.length}`).toBe(true);
    }
    expect(packets.next()).toBe(false);
  });
});

describe('instead of an event', () => {
  const failing = (bytes: Buffer, answers = 0): unknown => {
    const packets = new EventPackets(new BatchWriter(), { answers });
    packets.arrived(bytes);
    try {
      while (packets.next());
    } catch (error) {
      return error;
    }
    return null;
  };

  it('an error of the server is told, of a command as well', () => {
    const refused = errorPacket(1227, 'Access denied', 1);
    expect(failing(refused, 1)).toMatchObject({ code: 'WEIR_MYSQL_GRANT', message: expect.stringContaining('Access denied') as string });
    const [event] = eventPackets([Buffer.from('one')]);
    const purged = errorPacket(1236, 'Could not find first log file name in binary log index file', 2);
    expect(failing(Buffer.concat([okPacket(), event!, purged]), 1)).toMatchObject({ code: 'WEIR_MYSQL_LOG_PURGED' });
  });

  it('the end of the stream, and anything that is no packet of it, is an error', () => {
    expect(failing(Buffer.from([5, 0, 0, 1, 0xfe, 0, 0, 2, 0]))).toMatchObject({ code: 'WEIR_MYSQL_LOG_READ' });
    for (const bytes of [
      [1, 0, 0, 1, 0x05],
      [0, 0, 0, 1],
      [2, 0, 0, 2, 0, 0],
      [2, 0, 0, 1, 0xff, 1],
    ]) {
      expect(failing(Buffer.from(bytes)), bytes.join()).toMatchObject({ code: 'WEIR_BINLOG_DAMAGED' });
    }
    expect(failing(Buffer.from([1, 0, 0, 1, 0x01]), 1)).toMatchObject({ code: 'WEIR_BINLOG_DAMAGED' });
  });

  it('whatever comes is an event, an error with a code, or not whole yet', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 20 })), (chunks) => {
        const error = failing(Buffer.concat(chunks), 1);
        if (error !== null) expect(error).toMatchObject({ code: expect.stringMatching(/^WEIR_(?:BINLOG|MYSQL)_/u) as string });
      }),
      parameters,
    );
  });
});
