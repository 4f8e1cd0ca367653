import { describe, expect, test } from 'vitest';
import { silentLogger } from '@weir/sdk';
import { ManualClock } from '@weir/testkit';
import { SessionStack } from './session-stack.ts';

class FakeSession implements AsyncDisposable {
  readonly #closed: string[];
  readonly #name: string;
  readonly #outcome: Promise<void>;

  constructor(closed: string[], name: string, outcome: Promise<void> = Promise.resolve()) {
    this.#closed = closed;
    this.#name = name;
    this.#outcome = outcome;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.push(this.#name);
    await this.#outcome;
  }
}

const { signal } = new AbortController();

function stackWith(clock: ManualClock, warnings: string[] = []): SessionStack {
  const log = { ...silentLogger, warn: (_: object, message: string) => void warnings.push(message) };
  return new SessionStack({ name: 'shop', clock, log });
}

describe('SessionStack', () => {
  test('closes what it opened in the opposite order', async () => {
    const closed: string[] = [];
    const stack = stackWith(new ManualClock());
    await stack.add(Promise.resolve(new FakeSession(closed, 'sink')), signal);
    await stack.add(Promise.resolve(new FakeSession(closed, 'source')), signal);
    await stack[Symbol.asyncDispose]();
    expect(closed).toEqual(['source', 'sink']);
  });

  test('closes the others when one fails to close, and says so', async () => {
    const [closed, warnings]: [string[], string[]] = [[], []];
    const stack = stackWith(new ManualClock(), warnings);
    await stack.add(Promise.resolve(new FakeSession(closed, 'sink')), signal);
    await stack.add(Promise.resolve(new FakeSession(closed, 'source', Promise.reject(new Error('cut')))), signal);
    await stack[Symbol.asyncDispose]();
    expect(closed).toEqual(['source', 'sink']);
    expect(warnings).toEqual(['a connection did not close cleanly']);
  });

  test('leaves a session behind that does not close within 10 s', async () => {
    const [closed, warnings]: [string[], string[]] = [[], []];
    const clock = new ManualClock();
    const stack = stackWith(clock, warnings);
    await stack.add(Promise.resolve(new FakeSession(closed, 'sink')), signal);
    await stack.add(Promise.resolve(new FakeSession(closed, 'source', new Promise(() => {}))), signal);
    const before = clock.now();
    await clock.outcome(stack[Symbol.asyncDispose]());
    expect([clock.now() - before, closed]).toEqual([10_000, ['source', 'sink']]);
    expect(warnings).toEqual(['a connection did not close in time and was left behind']);
    expect(clock.sleepers).toBe(0);
  });

  test('a session that opens when nobody waits for it any more is closed', async () => {
    const closed: string[] = [];
    const clock = new ManualClock();
    const stack = stackWith(clock);
    const opening = Promise.withResolvers<FakeSession>();
    const aborting = new AbortController();
    const added = stack.add(opening.promise, aborting.signal);
    aborting.abort(new Error('enough'));
    await expect(added).rejects.toThrow('enough');
    await stack[Symbol.asyncDispose]();
    expect(closed).toEqual([]);
    opening.resolve(new FakeSession(closed, 'late'));
    await clock.settle();
    expect(closed).toEqual(['late']);
  });

  test('an opening that fails is handed on', async () => {
    const stack = stackWith(new ManualClock());
    await expect(stack.add(Promise.reject(new Error('refused')), signal)).rejects.toThrow('refused');
    await stack[Symbol.asyncDispose]();
  });
});
