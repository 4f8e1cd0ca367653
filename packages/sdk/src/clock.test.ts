import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { systemClock } from './clock.ts';

describe('systemClock', () => {
  test('sleeps as long as asked', async () => {
    const before = performance.now();
    await systemClock.sleep(30);
    await systemClock.sleep(0);
    expect(performance.now() - before).toBeGreaterThanOrEqual(29);
  });

  test('rejects with the reason of an abort, at once, before and during the sleep', async () => {
    const reason = new Error('stopped by a person');
    await expect(systemClock.sleep(60_000, AbortSignal.abort(reason))).rejects.toBe(reason);
    const controller = new AbortController();
    const sleeping = systemClock.sleep(60_000, controller.signal);
    controller.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
  });

  test('leaves no listener on the signal', async () => {
    const { signal } = new AbortController();
    const sleeping = systemClock.sleep(5, signal);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    await sleeping;
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('sleeps longer than the 24.8 days of a timer of Node', async () => {
    const controller = new AbortController();
    const sleeping = systemClock.sleep(30 * 86_400_000, controller.signal);
    const first = await Promise.race([sleeping.then(() => 'the sleep'), systemClock.sleep(30).then(() => 'a short sleep')]);
    expect(first).toBe('a short sleep');
    controller.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
  });

  test('gives the time and chance of the system', () => {
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1000);
    const chance = systemClock.random();
    expect(chance).toBeGreaterThanOrEqual(0);
    expect(chance).toBeLessThan(1);
  });
});
