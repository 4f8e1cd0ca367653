import { BatchWriter, Op } from '@weir/sdk';
import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Frames } from './frames.ts';

const parameters = { seed: testSeed, numRuns: 500 };

interface Message {
  readonly type: number;
  readonly body: Uint8Array;
}

const message: fc.Arbitrary<Message> = fc.record({
  type: fc.integer({ min: 0, max: 255 }),
  body: fc.oneof(
    { weight: 9, arbitrary: fc.uint8Array({ maxLength: 40 }) },
    { weight: 1, arbitrary: fc.uint8Array({ minLength: 5000, maxLength: 9000 }) },
  ),
});

function encode({ type, body }: Message): Buffer {
  const bytes = Buffer.alloc(5 + body.length);
  bytes[0] = type;
  bytes.writeInt32BE(4 + body.length, 1);
  bytes.set(body, 5);
  return bytes;
}

/** Cuts bytes at places given as parts of the whole. */
function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((part) => Math.floor(part * bytes.length)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, i) => bytes.subarray(places[i], end));
}

test('messages are the same however their bytes arrive, and whenever batches close in between', () => {
  const fraction = fc.double({ min: 0, max: 1, noNaN: true });
  const streams = fc.record({
    messages: fc.array(message, { maxLength: 30 }),
    cuts: fc.array(fraction, { maxLength: 60 }),
    closeEvery: fc.integer({ min: 1, max: 7 }),
  });
  fc.assert(
    fc.property(streams, ({ messages, cuts, closeEvery }) => {
      const writer = new BatchWriter();
      const frames = new Frames();
      const seen: Message[] = [];
      for (const chunk of cut(Buffer.concat(messages.map(encode)), cuts)) {
        frames.feed(writer, chunk, (type, start, end) => {
          seen.push({ type, body: writer.data.slice(start, end) });
          if (seen.length % 2 === 0) addRow(writer);
          if (seen.length % closeEvery !== 0) return;
          writer.close(null, { keepFrom: frames.consumed });
          frames.rebase();
        });
        if (writer.rows === 0) frames.compact(writer);
      }
      expect(seen).toEqual(messages);
      expect(writer.used - frames.consumed, 'nothing is left over').toBe(0);
    }),
    parameters,
  );
});

function addRow(writer: BatchWriter): void {
  const commit = writer.addCommit({ position: '', version: 0n, time: 0, transactionId: '' });
  writer.beginRow(Op.insert, 0, commit, 1);
}

test('a length that no message can have is a coded error', () => {
  for (const length of [0, 3, 0x4000_0001, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
    const bytes = Buffer.alloc(5);
    bytes[0] = 0x64;
    bytes.writeUInt32BE(length, 1);
    const feed = (): void => new Frames().feed(new BatchWriter(), bytes, () => expect.unreachable());
    expect(feed, String(length)).toThrow(expect.objectContaining({ code: 'WEIR_PGOUTPUT_DAMAGED' }));
  }
});

test('a length alone takes no memory: only what has arrived does (invariant 8)', () => {
  const writer = new BatchWriter();
  const before = writer.data.length;
  const bytes = Buffer.alloc(5);
  bytes[0] = 0x64;
  bytes.writeUInt32BE(0x3fff_ffff, 1);
  new Frames().feed(writer, bytes, () => expect.unreachable());
  expect(writer.data.length).toBe(before);
});

test('a large message costs one allocation, of about its size, however many chunks it comes in', () => {
  const size = 20 << 20;
  const large = encode({ type: 0x64, body: new Uint8Array(size).fill(7) });
  const small = encode({ type: 0x64, body: new Uint8Array(30) });
  const stream = Buffer.concat([large, ...Array<Buffer>(1000).fill(small)]);
  const writer = new BatchWriter();
  writer.append(Buffer.alloc(100));
  const frames = new Frames();
  frames.consumed = 100;
  const slabs = new Set<Uint8Array>([writer.data]);
  let handled = 0;
  for (let at = 0; at < stream.length; at += 65_536) {
    frames.feed(writer, stream.subarray(at, at + 65_536), (_type, start, end) => {
      expect(end - start).toBe(handled++ === 0 ? size : 30);
    });
    slabs.add(writer.data);
  }
  expect(handled).toBe(1001);
  expect(slabs.size).toBe(2);
  expect(writer.data.length).toBe(100 + large.length + (128 << 10));
});

test('no message is handled behind one at which `hold` was said, until `resume`', () => {
  const writer = new BatchWriter();
  const frames = new Frames();
  const seen: number[] = [];
  const handle = (type: number): void => {
    seen.push(type);
    if (type === 2) frames.hold();
  };
  const messages = [1, 2, 3, 2, 4].map((type) => encode({ type, body: new Uint8Array(3) }));
  frames.feed(writer, Buffer.concat(messages), handle);
  expect([...seen, frames.held]).toEqual([1, 2, true]);
  frames.resume(writer, handle);
  frames.resume(writer, handle);
  expect([...seen, frames.held]).toEqual([1, 2, 3, 2, 4, false]);
  expect(frames.consumed).toBe(writer.used);
});
