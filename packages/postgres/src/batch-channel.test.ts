import { expect, test } from 'vitest';
import { BatchChannel } from './batch-channel.ts';

const item = (name: string, bytes = 10): { name: string; bytes: number } => ({ name, bytes });

/** Whether a promise is settled once everything that can run has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = (): void => {
    settled = true;
  };
  promise.then(note, note);
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
  return settled;
}

test('items come out in order, also to a consumer that waits already', async () => {
  const channel = new BatchChannel<ReturnType<typeof item>>(100);
  const first = channel.next();
  expect(await isSettled(first)).toBe(false);
  await channel.push(item('a'));
  await channel.push(item('b'));
  expect((await first)?.name).toBe('a');
  expect((await channel.next())?.name).toBe('b');
});

test('producers wait while more than the limit is held, and go on when it is taken (invariant 8)', async () => {
  const channel = new BatchChannel<ReturnType<typeof item>>(20);
  await channel.push(item('a'));
  await channel.push(item('b'));
  const third = channel.push(item('c'));
  const fourth = channel.push(item('d'));
  expect(await isSettled(third)).toBe(false);
  await channel.next();
  expect(await isSettled(third)).toBe(false);
  await channel.next();
  expect(await isSettled(third)).toBe(true);
  expect(await isSettled(fourth)).toBe(true);
});

test('an item larger than the limit passes, and holds up who comes after it', async () => {
  const channel = new BatchChannel<ReturnType<typeof item>>(20);
  const large = channel.push(item('large', 1000));
  expect(await isSettled(large)).toBe(false);
  expect((await channel.next())?.name).toBe('large');
  expect(await isSettled(large)).toBe(true);
});

test('after the end the consumer gets what is left, then null; producers are let go', async () => {
  const channel = new BatchChannel<ReturnType<typeof item>>(5);
  const pushed = channel.push(item('a'));
  channel.end();
  expect(await isSettled(pushed)).toBe(true);
  await channel.push(item('dropped'));
  expect((await channel.next())?.name).toBe('a');
  expect(await channel.next()).toBeNull();
  expect(await channel.next()).toBeNull();
});

test('a failure overtakes what is left, and is thrown each time', async () => {
  const channel = new BatchChannel<ReturnType<typeof item>>(5);
  const pushed = channel.push(item('a'));
  channel.fail(new Error('broken'));
  expect(await isSettled(pushed)).toBe(true);
  await expect(channel.next()).rejects.toThrow('broken');
  await expect(channel.next()).rejects.toThrow('broken');
});

test('a consumer that waits hears of the end and of a failure; a failure after the end is nothing', async () => {
  const ended = new BatchChannel<ReturnType<typeof item>>(5);
  const end = ended.next();
  ended.end();
  ended.fail(new Error('too late'));
  expect(await end).toBeNull();
  const failed = new BatchChannel<ReturnType<typeof item>>(5);
  const failure = failed.next();
  failed.fail(new Error('broken'));
  await expect(failure).rejects.toThrow('broken');
});
