import { expect, test } from 'vitest';
import { VisibleTransactions } from '../stream/visible-transactions.ts';
import { PassedTransactions } from './passed-transactions.ts';

const snapshot = (text: string): VisibleTransactions => new VisibleTransactions(text);

test('what was open when nothing was known has to end first, whether or not a later one has ended', () => {
  const passed = new PassedTransactions();
  expect(passed.areVisibleIn(snapshot('90:90:')), 'the server was not asked').toBe(false);
  passed.gate = 100n;
  expect(passed.areVisibleIn(snapshot('90:90:'))).toBe(false);
  expect(passed.areVisibleIn(snapshot('90:100:90,95'))).toBe(false);
  expect(passed.areVisibleIn(snapshot('95:140:95,120'))).toBe(false);
  expect(passed.areVisibleIn(snapshot('120:150:120'))).toBe(true);
});

test('a transaction that was passed, and waits for a standby, has to become visible', () => {
  const passed = new PassedTransactions();
  passed.startOver(100n);
  expect(passed.areVisibleIn(snapshot('100:100:'))).toBe(true);
  passed.passed(101);
  passed.passed(102);
  expect(passed.areVisibleIn(snapshot('102:110:102,105'))).toBe(false);
  expect(passed.areVisibleIn(snapshot('105:112:105'))).toBe(true);
  expect(passed.areVisibleIn(snapshot('105:112:105'))).toBe(true);
});

test('more ids than are remembered are covered by waiting for all that is open', () => {
  const passed = new PassedTransactions();
  passed.startOver(3n);
  expect(passed.areVisibleIn(snapshot('3:3:'))).toBe(true);
  for (let id = 10; id < 100_020; id++) passed.passed(id);
  passed.gate = 200_010n;
  expect(passed.areVisibleIn(snapshot('200000:200010:200000'))).toBe(false);
  expect(passed.areVisibleIn(snapshot('200010:200020:'))).toBe(true);
});
