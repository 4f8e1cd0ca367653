import { expect, test, vi } from 'vitest';
import { abortable } from './abortable.ts';

test('hands on what the promise gives', async () => {
  const { signal } = new AbortController();
  expect(await abortable(Promise.resolve(7), signal)).toBe(7);
  await expect(abortable(Promise.reject(new Error('broken')), signal)).rejects.toThrow('broken');
});

test('rejects with the reason as soon as the signal aborts', async () => {
  const controller = new AbortController();
  const waiting = abortable(new Promise(() => {}), controller.signal);
  controller.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
});

test('rejects when the signal was aborted before, and takes the failure of the promise that is given up', async () => {
  const unhandled = vi.fn<(reason: unknown) => void>();
  process.on('unhandledRejection', unhandled);
  try {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(abortable(Promise.reject(new Error('broken')), signal)).rejects.toThrow('enough');
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(unhandled).not.toHaveBeenCalled();
  } finally {
    process.off('unhandledRejection', unhandled);
  }
});

test('leaves no listener behind', async () => {
  const { signal } = new AbortController();
  const add = vi.spyOn(signal, 'addEventListener');
  const remove = vi.spyOn(signal, 'removeEventListener');
  await abortable(Promise.resolve(), signal);
  expect(remove.mock.calls.map(([, listener]) => listener)).toEqual(add.mock.calls.map(([, listener]) => listener));
});
