import type { Batch } from '@weir/sdk';
import { seeBatch } from '@weir/testkit';
import { describe, expect, test } from 'vitest';
import { FakeWalsender } from '../testing/fake-walsender.ts';
import { FROM, at, items, knowing, started, type Setting } from '../testing/started-stream.ts';

const protocol = { version: 4, streaming: true } as const;

/** Keys and ordinals of a batch. */
function rowsOf(batch: Batch | null): [key: string, ordinal: number][] {
  return batch === null ? [] : seeBatch(batch).rows.map(({ after, ordinal }) => [String(after![0]), ordinal]);
}

/** Waits for batches, files included, until one has a checkpoint at or behind this LSN. */
async function pullTo({ batches }: Setting, lsn: bigint): Promise<Batch[]> {
  const pulled: Batch[] = [];
  for (let result = await batches.next(); result.done !== true; result = await batches.next()) {
    pulled.push(result.value);
    const position = result.value.checkpoint?.position;
    if (position !== undefined && position >= at(lsn)) return pulled;
  }
  throw new Error('the stream ended');
}

describe('a streamed transaction', () => {
  test('is given at its commit, in its place, numbered from 1 without what was rolled back (invariant 2)', async () => {
    const { server, stream, next } = await started({ protocol });
    server.block(9, true, [9, 'a'], [10, 'lost'], [11, 'b']);
    expect(stream.streamed.transactions).toBe(1);
    server.transaction(2000n, 'small');
    expect(rowsOf(await next())).toEqual([['small', 1]]);
    server.streamAbort(9, 10);
    server.block(12, true, [12, 'lost too']);
    server.block(9, false, [9, 'c']);
    server.streamAbort(12);
    expect(await next()).toBeNull();
    server.streamCommit(9, 3000n);
    const batch = await next();
    expect(rowsOf(batch)).toEqual([['a', 1], ['b', 2], ['c', 3]]);
    expect(batch!.checkpoint!.position).toBe(at(3008n));
    expect(stream.streamed.transactions).toBe(0);
  });

  test('lets keepalives be boundaries while it is open, but not inside a block (invariant 3)', async () => {
    const { server, stream, next } = await started({ protocol });
    server.block(9, true, [9, 'a']);
    server.keepalive(2000n, true);
    expect((await next())?.checkpoint?.position).toBe(at(2000n));
    stream.confirm(2000n);
    server.openBlock(9, false);
    server.keepalive(2500n, true);
    expect(await next()).toBeNull();
    expect(stream.boundary).toBe(2000n);
    server.closeBlock();
    server.keepalive(2600n, true);
    expect((await next())?.checkpoint?.position).toBe(at(2600n));
    server.streamCommit(9, 2600n);
    expect(rowsOf(await next())).toEqual([['a', 1]]);
  });

  test('is told from others in the same chunk: what stands behind its commit comes behind it', async () => {
    const { server, next } = await started({ protocol });
    server.together(() => {
      server.block(9, true, [9, 'a']);
      server.transaction(2000n, 'before');
      server.streamCommit(9, 3000n);
      server.transaction(4000n, 'behind');
    });
    expect(rowsOf(await next())).toEqual([['before', 1], ['a', 1], ['behind', 1]]);
  });

  test('that was delivered before is left out', async () => {
    const { server, next } = await started({ protocol });
    server.block(9, true, [9, 'old']);
    server.streamCommit(9, FROM - 8n);
    server.block(10, true, [10, 'new']);
    server.streamCommit(10, FROM);
    expect(rowsOf(await next())).toEqual([['new', 1]]);
  });

  test('of which the beginning never came is damage: its rows are not passed over (invariant 6)', async () => {
    const { server, next } = await started({ protocol });
    server.block(9, false, [9, 'second block']);
    await expect(next()).rejects.toMatchObject({ code: 'WEIR_PGOUTPUT_DAMAGED' });
    const other = await started({ protocol });
    other.server.streamCommit(9, 3000n);
    await expect(other.next()).rejects.toMatchObject({ code: 'WEIR_PGOUTPUT_DAMAGED' });
  });

  test('lets the host learn at its replay, at the place of the announcement', async () => {
    const learned: number[] = [];
    const host = {
      ...knowing,
      relation: ({ columns }: { columns: readonly unknown[] }) => ({
        table: { ...items, columns: columns.map(() => items.columns[0]!) },
        rewrites: columns.map(() => null),
        skip: false,
      }),
      knows: ({ columns }: { columns: readonly unknown[] }) => columns.length === 1 || learned.length > 0,
      learn: async ({ columns }: { columns: readonly unknown[] }) => {
        learned.push(columns.length);
        return await Promise.resolve([{ table: items, change: 'key' } as const]);
      },
      begin: () => ({ position: 'c', version: 1n, time: 0, transactionId: '9' }),
    };
    const { server, next } = await started({ protocol, host });
    server.openBlock(9, true);
    server.streamRow(9, 'a');
    server.streamAnnounce(9, 'more');
    server.streamRow(9, 'b', 'x');
    server.closeBlock();
    expect(await next()).toBeNull();
    expect(learned).toEqual([]);
    server.streamCommit(9, 3000n);
    const [before, behind] = [await next(), await next()];
    expect([rowsOf(before), before!.checkpoint]).toEqual([[['a', 1]], null]);
    expect(behind).toMatchObject({ schemaChanges: [{ change: 'key' }], commits: [{ position: 'c' }] });
    expect(rowsOf(behind)).toEqual([['b', 2]]);
    expect(learned).toEqual([2]);
  });

  test('ends what was asked to end at a boundary behind its replay, not in it', async () => {
    const { server, stream, batches, next } = await started({ protocol });
    server.together(() => {
      server.block(9, true, [9, 'a'], [9, 'b']);
      server.streamCommit(9, 3000n);
      server.transaction(4000n, 'not any more');
    });
    stream.endAtBoundary();
    expect(rowsOf(await next())).toEqual([['a', 1], ['b', 2]]);
    expect((await batches.next()).done).toBe(true);
    expect(stream.boundary).toBe(3008n);
  });
});

const KILOBYTES = 100;
const large = (id: string): Buffer => Buffer.from(id.padEnd(KILOBYTES << 10, '.'));

describe('a large streamed transaction', () => {
  test('is replayed no faster than it is consumed, from its file, and everything behind it waits (invariant 8)', async () => {
    const setting = await started({ protocol, spoolBytes: 1 << 20 });
    const { server, stream, clock } = setting;
    server.openBlock(9, true);
    const count = 300;
    for (let row = 0; row < count; row++) {
      server.streamRow(9, large(String(row)));
      await settled(setting);
    }
    server.closeBlock();
    server.streamCommit(9, 3000n);
    server.transaction(4000n, 'behind');
    await untilSteady(setting);
    expect(server.paused).toBe(true);
    expect(stream.boundary).toBe(FROM);
    await clock.advance(120_000);
    let first = await setting.next();
    while (first === null) first = await setting.next();
    const pulled = [first, ...(await pullTo(setting, 4008n))];
    const rows = pulled.flatMap(rowsOf);
    expect(rows.map(([key]) => key.slice(0, 4).replaceAll('.', ''))).toEqual([
      ...Array.from({ length: count }, (_, row) => String(row)),
      'behi',
    ]);
    expect(rows.slice(0, -1).map(([, ordinal]) => ordinal)).toEqual(Array.from({ length: count }, (_, row) => row + 1));
    expect(pulled.slice(0, -2).every(({ checkpoint }) => checkpoint === null)).toBe(true);
    expect(server.paused).toBe(false);
  });

  test('whose consumer goes away in the middle lets go of everything', async () => {
    const setting = await started({ protocol });
    const { server, batches, stream } = setting;
    server.openBlock(9, true);
    for (let row = 0; row < 100; row++) server.streamRow(9, large(String(row)));
    server.closeBlock();
    server.block(10, true, [10, 'open']);
    server.streamCommit(9, 3000n);
    expect((await batches.next()).done).toBe(false);
    await batches.return(undefined);
    expect(stream.streamed.transactions).toBe(0);
    await settled(setting);
  });
});

/** Waits until the stream takes more, after something went to a file. */
async function settled({ server, clock }: Setting): Promise<void> {
  do await clock.settle();
  while (server.paused);
}

/** Waits until nothing is decoded any more. */
async function untilSteady({ clock }: Setting): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await clock.settle();
}

describe('a logical message of which nobody can tell whether it was rolled back', () => {
  test('makes the stream begin once more at the last boundary, on another connection and without streaming', async () => {
    const second = new FakeWalsender();
    const { server, stream, next } = await started({
      protocol,
      reconnect: async () => await Promise.resolve(second.wire),
    });
    server.together(() => {
      server.transaction(2000n, 'before');
      server.openBlock(9, true);
      server.streamMessage(9);
      server.streamRow(10, 'lost');
      server.closeBlock();
      server.streamAbort(9, 10);
      server.streamCommit(9, 3000n);
      server.transaction(4000n, 'comes again');
    });
    expect(rowsOf(await next())).toEqual([['before', 1]]);
    expect(await next()).toBeNull();
    expect([server.disposed, stream.streamed.transactions]).toEqual([true, 0]);
    expect(second.queries).toEqual([
      `START_REPLICATION SLOT "weir_shop" LOGICAL 0/7D8 ` +
        `(proto_version '4', publication_names '"weir_shop"', messages 'true')`,
    ]);
    second.transaction(1992n, 'delivered');
    second.transaction(3000n, 'kept');
    second.transaction(4000n, 'comes again');
    expect(rowsOf(await next())).toEqual([['kept', 1], ['comes again', 1]]);
    stream.confirm(4008n);
    expect(second.statuses.at(-1)).toMatchObject({ flushed: 4008n });
  });

  test('is no doubt when the subtransaction was rolled back before it, or none was', async () => {
    const { server, next } = await started({ protocol });
    server.block(9, true, [10, 'lost']);
    server.streamAbort(9, 10);
    server.openBlock(9, false);
    server.streamMessage(9);
    server.closeBlock();
    server.streamCommit(9, 3000n);
    expect(rowsOf(await next())).toEqual([['prefix', 1]]);
  });
});

test('a prepared transaction is refused: it would come before it is committed', async () => {
  const { server, next } = await started({ protocol });
  server.beginPrepare(9);
  await expect(next()).rejects.toMatchObject({ code: 'WEIR_PGOUTPUT_UNSUPPORTED' });
});
