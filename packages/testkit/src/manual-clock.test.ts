import { describe, expect, test } from 'vitest';
import { ManualClock } from './manual-clock.ts';

describe('ManualClock', () => {
  test('stands still until it is moved', async () => {
    const clock = new ManualClock({ now: 1000 });
    let woken = false;
    const sleeping = clock.sleep(5).then(() => (woken = true));
    await clock.settle();
    expect([clock.now(), woken, clock.sleepers, clock.nextWakeMs]).toEqual([1000, false, 1, 5]);
    await clock.advance(5);
    await sleeping;
    expect([clock.now(), woken, clock.sleepers, clock.nextWakeMs]).toEqual([1005, true, 0, null]);
  });

  test('wakes in the order of the times, then in the order of falling asleep, each at its own time', async () => {
    const clock = new ManualClock({ now: 0 });
    const woken: [string, number][] = [];
    for (const [name, ms] of [['c', 30], ['a', 10], ['b', 10], ['now', 0]] as const) {
      void clock.sleep(ms).then(() => woken.push([name, clock.now()]));
    }
    await clock.advance(29);
    expect(woken).toEqual([['now', 0], ['a', 10], ['b', 10]]);
    await clock.advance(1);
    expect(woken.at(-1)).toEqual(['c', 30]);
  });

  test('what a sleeper sets off runs before the next one wakes, and may sleep in between', async () => {
    const clock = new ManualClock({ now: 0 });
    const seen: string[] = [];
    const first = async (): Promise<void> => {
      await clock.sleep(10);
      for (let i = 0; i < 50; i++) await Promise.resolve();
      seen.push('first at 10');
      await clock.sleep(5);
      seen.push('first at 15');
    };
    const second = async (): Promise<void> => {
      await clock.sleep(20);
      seen.push('second at 20');
    };
    await clock.outcome(Promise.all([first(), second()]));
    expect(seen).toEqual(['first at 10', 'first at 15', 'second at 20']);
  });

  test('an aborted sleep rejects with the reason and is forgotten', async () => {
    const clock = new ManualClock();
    const aborting = new AbortController();
    const sleeping = clock.sleep(10, aborting.signal);
    aborting.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
    await expect(clock.sleep(10, aborting.signal)).rejects.toThrow('enough');
    expect(clock.sleepers).toBe(0);
  });

  test('tells a promise that settles from one that hangs', async () => {
    const clock = new ManualClock();
    expect(await clock.settles(clock.sleep(1_000_000))).toBe(true);
    expect(await clock.settles(Promise.reject(new Error('broken')))).toBe(true);
    const hanging = new Promise(() => {});
    expect(await clock.settles(hanging)).toBe(false);
    await expect(clock.outcome(hanging)).rejects.toMatchObject({ code: 'WEIR_SDK_USE' });
    await expect(clock.outcome(Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  });

  test('does not wait for ever for what polls for ever', async () => {
    const clock = new ManualClock();
    let polling = true;
    const poll = async (): Promise<void> => {
      while (polling) await clock.sleep(1);
    };
    const polled = poll();
    await expect(clock.settles(new Promise(() => {}), 1000)).rejects.toMatchObject({ code: 'WEIR_SDK_USE' });
    polling = false;
    await clock.advance(1);
    await polled;
  });

  test('gives the same chances for the same seed', () => {
    const draw = (seed: number): number[] => {
      const clock = new ManualClock({ seed });
      return Array.from({ length: 5 }, () => clock.random());
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    for (const chance of draw(9)) expect(chance >= 0 && chance < 1).toBe(true);
  });
});
