import { expect, test } from 'vitest';
import { VisibleTransactions } from './visible-transactions.ts';

test('a snapshot sees what ended before it', () => {
  const visible = new VisibleTransactions('100:105:100,103');
  expect([99, 100, 101, 102, 103, 104, 105].map((id) => visible.sees(id))).toEqual([
    true,
    false,
    true,
    true,
    false,
    true,
    false,
  ]);
});

test('ids of the stream have 32 bits, those of a snapshot 64', () => {
  const epoch = 2n ** 32n;
  const visible = new VisibleTransactions(`${epoch + 10n}:${epoch + 12n}:${epoch + 10n}`);
  expect(visible.sees(9)).toBe(true);
  expect(visible.sees(10)).toBe(false);
  expect(visible.sees(11)).toBe(true);
  expect(visible.sees(12)).toBe(false);
  // Of the epoch before.
  expect(visible.sees(2 ** 32 - 1)).toBe(true);
  // Of the epoch that begins.
  expect(new VisibleTransactions(`${epoch - 2n}:${epoch - 1n}:`).sees(1)).toBe(false);
});
