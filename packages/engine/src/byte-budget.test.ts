import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { ByteBudget } from './byte-budget.ts';

const { signal } = new AbortController();

/** Whether a promise has resolved by now. */
async function isDone(promise: Promise<void>): Promise<boolean> {
  const soon = new Promise<false>((resolve) => setImmediate(() => resolve(false)));
  return await Promise.race([promise.then(() => true), soon]);
}

describe('ByteBudget', () => {
  test('gives what fits at once', async () => {
    const budget = new ByteBudget(100);
    await budget.acquire(60, signal);
    await budget.acquire(40, signal);
    expect(budget.used).toBe(100);
  });

  test('lets a taker wait until enough is given back', async () => {
    const budget = new ByteBudget(100);
    await budget.acquire(60, signal);
    await budget.acquire(30, signal);
    const waiting = budget.acquire(50, signal);
    expect(await isDone(waiting)).toBe(false);
    budget.release(30);
    expect(await isDone(waiting)).toBe(false);
    budget.release(60);
    expect(await isDone(waiting)).toBe(true);
    expect(budget.used).toBe(50);
  });

  test('lets through alone what is larger than all of it', async () => {
    const budget = new ByteBudget(100);
    await budget.acquire(1, signal);
    const large = budget.acquire(1000, signal);
    expect(await isDone(large)).toBe(false);
    budget.release(1);
    expect(await isDone(large)).toBe(true);
    const next = budget.acquire(1, signal);
    expect(await isDone(next)).toBe(false);
    budget.release(1000);
    expect(await isDone(next)).toBe(true);
    expect(budget.used).toBe(1);
  });

  test('leaves no listener behind at a signal that lasts as long as the pipeline', async () => {
    const budget = new ByteBudget(100);
    const { signal: lasting } = new AbortController();
    for (let run = 0; run < 3; run++) {
      await budget.acquire(100, lasting);
      const waiting = budget.acquire(50, lasting);
      expect(getEventListeners(lasting, 'abort')).toHaveLength(1);
      budget.release(100);
      await waiting;
      budget.release(50);
    }
    expect([getEventListeners(lasting, 'abort').length, budget.used]).toEqual([0, 0]);
  });

  test('a taker that is aborted gets nothing, and the next one is served', async () => {
    const budget = new ByteBudget(100);
    await budget.acquire(100, signal);
    const aborting = new AbortController();
    const waiting = budget.acquire(10, aborting.signal);
    aborting.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(budget.acquire(0, aborting.signal)).rejects.toThrow('enough');
    expect(budget.used).toBe(100);
    budget.release(100);
    await budget.acquire(10, signal);
    expect(budget.used).toBe(10);
  });
});
