import { BatchWriter } from '@weir/sdk';
import { Frames } from '@weir/postgres';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PieceArrivals, type SharedBytes } from './piece-arrivals.ts';

const [ROW, ERROR, READY] = [0x64, 0x45, 0x5a];

function message(type: number, bodyBytes = 1): Buffer {
  const bytes = Buffer.alloc(5 + bodyBytes);
  bytes[0] = type;
  bytes.writeInt32BE(4 + bodyBytes, 1);
  return bytes;
}

const soon = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve));

function arriving(limit?: number, took: () => unknown = () => {}, shared: SharedBytes = { limit: 0, used: 0 }) {
  const taken: Uint8Array[] = [];
  const told: string[] = [];
  const arrivals: PieceArrivals = new PieceArrivals({
    connection: { pause: () => told.push('pause'), resume: () => told.push('resume') },
    taken: (chunk) => {
      taken.push(chunk);
      took();
    },
    complete: (isRefused) => told.push(isRefused ? 'refused' : 'complete'),
    ...(limit !== undefined && { limit, shared }),
  });
  return { arrivals, taken, told };
}

describe('what arrives', () => {
  test('is taken at once, and waits while it is paused, up to a limit (invariant 8)', async () => {
    const { arrivals, taken, told } = arriving(10);
    arrivals.arrived(Buffer.from('a'));
    expect(taken).toHaveLength(1);
    arrivals.pause();
    arrivals.arrived(Buffer.alloc(9));
    expect([told, arrivals.bytes]).toEqual([[], 9]);
    arrivals.arrived(Buffer.alloc(1));
    expect([told, arrivals.bytes]).toEqual([['pause'], 10]);
    arrivals.resume();
    arrivals.resume();
    expect(taken).toHaveLength(1);
    for (let turn = 0; turn < 2; turn++) await soon();
    expect([taken.length, told, arrivals.bytes]).toEqual([3, ['pause', 'resume'], 0]);
  });

  test('waits beyond its limit in what all may hold together, and gives that back (invariant 8)', async () => {
    const shared = { limit: 10, used: 0 };
    const [one, other] = [arriving(10, undefined, shared), arriving(10, undefined, shared)];
    for (const { arrivals } of [one, other]) arrivals.pause();
    one.arrivals.arrived(Buffer.alloc(14));
    other.arrivals.arrived(Buffer.alloc(15));
    expect([one.told, other.told, shared.used]).toEqual([[], [], 9]);
    one.arrivals.arrived(Buffer.alloc(1));
    expect([one.told, other.told, shared.used]).toEqual([['pause'], [], 10]);
    other.arrivals.stop();
    expect(shared.used).toBe(5);
    one.arrivals.arrived(Buffer.alloc(1));
    one.arrivals.resume();
    for (let turn = 0; turn < 3; turn++) await soon();
    expect([one.told, one.arrivals.bytes, shared.used]).toEqual([['pause', 'resume'], 0, 0]);
  });

  test('is taken up to the moment when it is paused again', async () => {
    const { arrivals, taken } = arriving(10, () => taken.length === 2 && arrivals.pause());
    arrivals.pause();
    for (const text of ['a', 'b', 'c']) arrivals.arrived(Buffer.from(text));
    arrivals.resume();
    for (let turn = 0; turn < 3; turn++) await soon();
    expect([taken.length, arrivals.bytes]).toEqual([2, 1]);
  });

  test('is not taken when it was paused again meanwhile, nor when it is stopped', async () => {
    const { arrivals, taken } = arriving();
    arrivals.pause();
    arrivals.arrived(Buffer.from('a'));
    arrivals.resume();
    arrivals.pause();
    await soon();
    arrivals.resume();
    arrivals.stop();
    arrivals.arrived(Buffer.from('b'));
    await soon();
    expect([taken, arrivals.bytes]).toEqual([[], 0]);
  });

  test('is taken in its order, also what comes while older waits', async () => {
    const { arrivals, taken } = arriving();
    arrivals.pause();
    for (const text of ['a', 'b', 'c']) arrivals.arrived(Buffer.from(text));
    arrivals.resume();
    arrivals.arrived(Buffer.from('d'));
    for (let turn = 0; turn < 4; turn++) await soon();
    expect(Buffer.concat(taken).toString()).toBe('abcd');
  });

  test('is kept as it came while it waits, whoever uses its buffer again', async () => {
    const { arrivals, taken } = arriving();
    arrivals.pause();
    const chunk = Buffer.from('a');
    arrivals.arrived(chunk);
    chunk.write('b');
    arrivals.arrived(chunk);
    chunk.write('c');
    arrivals.resume();
    for (let turn = 0; turn < 3; turn++) await soon();
    expect(Buffer.concat(taken).toString()).toBe('ab');
  });
});

describe('the end of a piece', () => {
  test('is seen while its rows wait, and whether an error came in their place', () => {
    const { arrivals, told } = arriving();
    arrivals.pause();
    arrivals.arrived(Buffer.concat([message(ROW, 300), message(READY)]));
    arrivals.arrived(Buffer.concat([message(ERROR), message(READY), message(ROW, 0), message(READY)]));
    expect(told).toEqual(['complete', 'refused', 'complete']);
  });

  test('is where the messages end, wherever the bytes are cut', () => {
    const bodies = fc.array(fc.tuple(fc.constantFrom(ROW, ERROR, READY), fc.nat(20)), { maxLength: 30 });
    fc.assert(
      fc.property(bodies, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (messages, cuts) => {
        const { arrivals, taken, told } = arriving();
        const bytes = Buffer.concat(messages.map(([type, length]) => message(type, length)));
        for (let at = 0, cut = 0; at < bytes.length; at += cuts[cut++ % cuts.length]!) {
          arrivals.arrived(bytes.subarray(at, at + cuts[cut % cuts.length]!));
        }
        expect(told).toHaveLength(messages.filter(([type]) => type === READY).length);
        // What the stream makes of the same bytes.
        let ends = 0;
        const [frames, writer] = [new Frames(), new BatchWriter()];
        for (const chunk of taken) frames.feed(writer, chunk, (type) => void (ends += type === READY ? 1 : 0));
        expect(told).toHaveLength(ends);
      }),
    );
  });
});
