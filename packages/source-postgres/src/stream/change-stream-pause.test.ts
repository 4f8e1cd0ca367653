import { describe, expect, test } from 'vitest';
import { BatchBuilder, WeirError, type Batch } from '@weir/sdk';
import { FROM, at, items, started } from '../testing/started-stream.ts';

function chunk(id: string): Batch {
  const checkpoint = { position: `${at(FROM)}.1.${id}`, state: null };
  return new BatchBuilder().begin({ position: checkpoint.position, version: 1n, time: 0, transactionId: '' }).read(items, { id }).chunk(items, { range: null, last: false }).build(checkpoint);
}

const ids = (batch: Batch | null): string[] => {
  if (batch === null) return [];
  return Array.from({ length: batch.rows }, (_none, row) => {
    const cell = batch.after[row]!;
    return Buffer.from(batch.data.subarray(batch.start[cell], batch.start[cell]! + batch.length[cell]!)).toString();
  });
};

describe('pause', () => {
  test('comes at a boundary; what it gives is in front of what was sent meanwhile', async () => {
    const { server, stream, next } = await started();
    const opened = Promise.withResolvers<void>();
    server.transaction(2000n, 'before');
    const paused = stream.pause(async (give) => {
      await opened.promise;
      expect(await give(chunk('1'))).toBe(true);
    });
    server.transaction(3000n, 'behind');
    expect(ids(await next())).toEqual(['before']);
    expect(await next()).toBeNull();
    opened.resolve();
    expect(await paused).toBe(true);
    expect(ids(await next())).toEqual(['1']);
    expect(ids(await next())).toEqual(['behind']);
  });

  test('gives all that it has before the stream finishes where it stands', async () => {
    const { stream, batches } = await started();
    await stream.pause(async (give) => {
      for (const id of ['1', '2', '3']) await give(chunk(id));
    });
    stream.finishAt(FROM);
    const given: string[] = [];
    for (let item = await batches.next(); item.done !== true; item = await batches.next()) given.push(...ids(item.value));
    expect(given).toEqual(['2', '3']);
  });

  test('whose work fails ends the stream', async () => {
    const { stream, next } = await started();
    expect(await stream.pause(async () => await Promise.reject(new Error('no')))).toBe(false);
    await expect(next()).rejects.toMatchObject({ code: 'WEIR_PG_CONNECTION_LOST' });
    expect(await stream.pause(async () => {})).toBe(false);
  });

  test('is let go of when the stream ends before it', async () => {
    const { server, stream, next } = await started();
    server.begin(2000n);
    const paused = stream.pause(async () => {});
    expect(await next()).toBeNull();
    stream.fail(new WeirError('WEIR_PG_CONNECTION_LOST', 'closed'));
    expect(await paused).toBe(false);
  });
});
