import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BatchWriter } from '@weir/sdk';
import { Frames } from '@weir/postgres';
import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StreamSpool } from './stream-spool.ts';
import type { SpooledTransaction } from './spooled-transaction.ts';

async function withDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'weir-spool-test-'));
  try {
    await work(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Reads what was kept as a replay does. */
async function read(spooled: SpooledTransaction): Promise<string[]> {
  const writer = new BatchWriter();
  const frames = new Frames();
  const messages: string[] = [];
  for await (const piece of spooled.read()) {
    frames.feed(writer, piece, (type, start, end) => {
      expect(type).toBe(0x64);
      messages.push(Buffer.from(writer.data.subarray(start, end)).toString('latin1'));
    });
  }
  expect(frames.consumed).toBe(writer.used);
  spooled.close();
  return messages;
}

function keep(spool: StreamSpool, transactionId: number, message: string): void {
  const around = Buffer.from(`before${message}behind`, 'latin1');
  spool.start(transactionId);
  spool.keep(around, 6, 6 + Buffer.byteLength(message, 'latin1'));
}

describe('what is kept', () => {
  test('comes back by transaction in its order, whatever went to files on the way', async () => {
    const message = fc.record({
      transactionId: fc.integer({ min: 1, max: 4 }),
      text: fc.oneof(
        { weight: 9, arbitrary: fc.string({ maxLength: 60 }) },
        { weight: 3, arbitrary: fc.integer({ min: 1_000, max: 70_000 }).map((length) => 'm'.repeat(length)) },
        { weight: 1, arbitrary: fc.constant('l'.repeat((1 << 20) + 7)) },
      ),
    });
    const limit = fc.constantFrom(0, 5_000, 60_000, 1 << 20);
    await withDirectory(async (directory) => {
      await fc.assert(
        fc.asyncProperty(fc.array(message, { maxLength: 40 }), limit, async (messages, most) => {
          const spool = new StreamSpool({ directory, limit: most });
          for (const { transactionId, text } of messages) {
            const latin1 = Buffer.from(text).toString('latin1');
            keep(spool, transactionId, latin1);
            if (spool.overflows) await spool.spill();
            expect(spool.memory).toBeLessThanOrEqual(most);
          }
          for (const id of new Set(messages.map(({ transactionId }) => transactionId))) {
            const own = messages.filter(({ transactionId }) => transactionId === id);
            expect(await read(spool.take(id).spooled)).toEqual(own.map(({ text }) => Buffer.from(text).toString('latin1')));
          }
          expect([spool.size, spool.memory]).toEqual([0, 0]);
        }),
        { seed: testSeed, numRuns: 60 },
      );
    });
  });

  test('is counted with the memory that it really takes', () => {
    const spool = new StreamSpool();
    keep(spool, 1, 'a');
    keep(spool, 2, 'b');
    expect(spool.memory).toBe(8192);
    spool.abort({ transactionId: 1, subtransactionId: 1, lsn: null, time: null });
    expect(spool.memory).toBe(4096);
    spool.clear();
    expect([spool.memory, spool.disk, spool.size]).toEqual([0, 0, 0]);
  });

  test('of a subtransaction that was rolled back is known', () => {
    const spool = new StreamSpool();
    keep(spool, 1, 'a');
    for (const subtransactionId of [9, 7, 8]) spool.abort({ transactionId: 1, subtransactionId, lsn: null, time: null });
    spool.abort({ transactionId: 5, subtransactionId: 6, lsn: null, time: null });
    const { aborted } = spool.take(1).spooled;
    expect([6, 7, 8, 9, 10].map((id) => aborted.has(id))).toEqual([false, true, true, true, false]);
  });

  test('of one that was never kept is a fault', () => {
    expect(() => new StreamSpool().take(3)).toThrow(expect.objectContaining({ code: 'WEIR_INTERNAL' }));
  });
});

test('a folder that is none is a coded error that names it and no content (invariant 10)', async () => {
  const spool = new StreamSpool({ directory: '/nowhere/at/all', limit: 10 });
  keep(spool, 1, 'secret'.repeat(10));
  const error: unknown = await spool.spill().catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'WEIR_PG_SPOOL', message: 'a temporary file in /nowhere/at/all: ENOENT' });
  expect(JSON.stringify(error)).not.toContain('secret');
});
