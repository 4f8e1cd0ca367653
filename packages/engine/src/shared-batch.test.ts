import { expect, test, vi } from 'vitest';
import { BatchBuilder, type Batch } from '@weir/sdk';
import { ByteBudget } from './byte-budget.ts';
import { SharedBatch, heldBytes } from './shared-batch.ts';
import { orders, row } from './world.fake.ts';

function releasable(): Batch & { release: ReturnType<typeof vi.fn<() => void>> } {
  const builder = new BatchBuilder().begin({ position: '1', version: 1n, time: 0, transactionId: '1' });
  return { ...builder.insert(orders, row(1, 'a')).build(null), release: vi.fn<() => void>() };
}

test('goes back once, when the last holder has let go', async () => {
  const batch = releasable();
  const budget = new ByteBudget(100_000);
  await budget.acquire(heldBytes(batch), new AbortController().signal);
  const shared = new SharedBatch(batch, { source: batch, made: 0, filtered: 0 }, budget, 3);
  shared.letGo();
  shared.letGo();
  expect([batch.release.mock.calls.length, budget.used]).toEqual([0, heldBytes(batch)]);
  shared.letGo();
  expect([batch.release.mock.calls.length, budget.used]).toEqual([1, 0]);
});

test('gives back what was taken for it, also when a transform made it larger or smaller', async () => {
  const source = releasable();
  const budget = new ByteBudget(100_000);
  await budget.acquire(heldBytes(source), new AbortController().signal);
  const larger = { ...source, bytes: source.bytes * 10 };
  new SharedBatch(larger, { source, made: 0, filtered: 0 }, budget, 1).letGo();
  expect(budget.used).toBe(0);
});

test('a batch of one row counts for what its objects take (invariant 8)', () => {
  expect(releasable().bytes).toBeLessThan(100);
  expect(heldBytes(releasable())).toBeGreaterThan(3700);
});
