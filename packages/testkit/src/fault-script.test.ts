import { describe, expect, test } from 'vitest';
import { FaultScript, type Fault } from './fault-script.ts';
import { ManualClock } from './manual-clock.ts';

/** A script and a server that counts what it has done. */
class Served {
  readonly clock = new ManualClock();
  readonly script: FaultScript;
  done = 0;
  halves = 0;

  constructor(...faults: Fault[]) {
    this.script = new FaultScript(this.clock, faults);
  }

  async call(on = 'sink.write'): Promise<number> {
    return await this.script.perform(on, async () => ++this.done, async () => void this.halves++);
  }
}

describe('FaultScript', () => {
  test('carries out what it has no fault for, and notes it', async () => {
    const served = new Served({ on: 'sink.commit', call: 1, does: 'reject' });
    expect([await served.call(), await served.call()]).toEqual([1, 2]);
    expect(served.script.calls).toEqual(['sink.write', 'sink.write']);
    expect([served.script.count('sink.write'), served.script.count('sink.commit')]).toEqual([2, 0]);
  });

  test('rejects one call, and does nothing', async () => {
    const served = new Served({ on: 'sink.write', call: 2, does: 'reject' });
    await served.call();
    await expect(served.call()).rejects.toMatchObject({ code: 'WEIR_INTERNAL', message: 'scripted: sink.write: reject' });
    await served.call();
    expect(served.done).toBe(2);
  });

  test('fails with the error given, every time where it says so', async () => {
    const error = new RangeError('no');
    const served = new Served({ on: 'sink.write', call: 'every', does: 'reject', error });
    for (let i = 0; i < 3; i++) await expect(served.call()).rejects.toBe(error);
  });

  test('loses an answer: it is done, and fails', async () => {
    const served = new Served({ on: 'sink.write', call: 1, does: 'lose answer' });
    await expect(served.call()).rejects.toThrow('lose answer');
    expect(served.done).toBe(1);
  });

  test('does half', async () => {
    const served = new Served({ on: 'sink.write', call: 1, does: 'partial' });
    await expect(served.call()).rejects.toThrow('partial');
    expect([served.done, served.halves]).toEqual([0, 1]);
  });

  test('hangs', async () => {
    const served = new Served({ on: 'sink.write', call: 1, does: 'hang' });
    expect(await served.clock.settles(served.call())).toBe(false);
    expect(served.done).toBe(0);
  });

  test('is slow', async () => {
    const served = new Served({ on: 'sink.write', call: 1, does: 'slow', ms: 70 });
    const before = served.clock.now();
    await served.clock.outcome(served.call());
    expect(served.clock.now() - before).toBe(70);
  });

  test.each([
    ['hold', 0],
    ['hold answer', 1],
  ] as const)('%s: lets it go when it is told to', async (does, done) => {
    const served = new Served({ on: 'sink.write', call: 1, does }, { on: 'sink.commit', call: 1, does });
    const [write, commit] = [served.call(), served.call('sink.commit')];
    expect(await served.clock.settles(write)).toBe(false);
    expect([served.done, served.script.held]).toEqual([done * 2, ['sink.write', 'sink.commit']]);
    served.script.letGo('sink.commit');
    expect(await served.clock.settles(commit)).toBe(true);
    expect(served.script.held).toEqual(['sink.write']);
    served.script.letGo();
    expect(await served.clock.settles(write)).toBe(true);
    expect(served.done).toBe(2);
  });

  test('zombie: everything waits, answers too, until it wakes, by itself or when it is told to', async () => {
    const served = new Served({ on: 'sink.commit', call: 1, does: 'hold' }, { on: 'sink.write', call: 1, does: 'zombie' });
    const [held, write] = [served.call('sink.commit'), served.call()];
    expect(await served.clock.settles(Promise.race([held, write]))).toBe(false);
    const later = served.call('sink.flush');
    served.script.letGo();
    expect(await served.clock.settles(Promise.race([held, write, later]))).toBe(false);
    expect(served.done, 'what was sent before is done').toBe(1);
    served.script.wake();
    await served.clock.outcome(Promise.all([held, write, later]));
    expect(served.done).toBe(3);
    const leased = new Served({ on: 'sink.write', call: 1, does: 'zombie', ms: 60_000 });
    const before = leased.clock.now();
    await leased.clock.outcome(leased.call());
    expect(leased.clock.now() - before).toBe(60_000);
  });

  test.each([
    ['die', 0],
    ['die answering', 1],
  ] as const)('%s: no call is answered any more', async (does, done) => {
    const served = new Served({ on: 'sink.write', call: 2, does }, { on: 'sink.commit', call: 1, does: 'hold' });
    const held = served.call('sink.commit');
    await served.call();
    expect(await served.clock.settles(served.call())).toBe(false);
    expect(await served.clock.settles(served.call())).toBe(false);
    expect([served.script.dead, served.done]).toEqual([true, 1 + done]);
    await served.script.died;
    served.script.letGo();
    expect(await served.clock.settles(held), 'what was sent is done, and its answer comes to nobody').toBe(false);
    expect(served.done).toBe(2 + done);
  });

  test('with a jitter every call and every answer takes its time', async () => {
    const clock = new ManualClock({ seed: 3 });
    const script = new FaultScript(clock, [], { jitterMs: (operation) => (operation === 'slow.write' ? 100 : 0) });
    const before = clock.now();
    await clock.outcome(script.perform('fast.write', async () => {}));
    expect(clock.now()).toBe(before);
    await clock.outcome(script.perform('slow.write', async () => {}));
    expect(clock.now() - before).toBeGreaterThan(0);
    expect(clock.now() - before).toBeLessThan(200);
  });
});
