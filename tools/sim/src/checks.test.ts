import { expect, test } from 'vitest';
import { checkAllConfirmed, checkBound, checkConfirmed, checkCounters } from './checks.ts';
import { violationOf } from './violation.ts';

const none = { in: 0, made: 0, delivered: 0, filtered: 0, skipped: 0, replayed: 0, same: 0, deadLetters: 0, abandoned: 0, inFlight: 0 };

test('a confirmation is refused that one of the sinks does not have (invariant 1)', () => {
  const durable = new Map([
    ['a', 20],
    ['b', 10],
  ]);
  expect(() => checkConfirmed(10, durable)).not.toThrow();
  expect(() => checkConfirmed(11, durable)).toThrow('11 is confirmed, b is at 10');
});

test('at the end what all sinks have is confirmed, not less (invariant 1)', () => {
  const durable = new Map([
    ['a', 20],
    ['b', 10],
  ]);
  expect(() => checkAllConfirmed(10, durable)).not.toThrow();
  expect(() => checkAllConfirmed(9, durable)).toThrow('a confirmation is missing');
});

test('every row of a runner that has ended is somewhere, and none on its way (invariant 7)', () => {
  const balanced = { ...none, in: 7, made: 1, delivered: 2, filtered: 1, skipped: 1, replayed: 1, same: 1, deadLetters: 1, abandoned: 1 };
  expect(() => checkCounters({ a: { rows: balanced } })).not.toThrow();
  expect(() => checkCounters({ a: { rows: { ...balanced, replayed: 0 } } })).toThrow('counters do not balance');
  expect(() => checkCounters({ a: { rows: { ...none, in: 1, delivered: 1, inFlight: 1 } } })).toThrow('counters do not balance');
});

test('what is held is within the bound, or one batch that is larger, and the batch that waits (invariant 8)', () => {
  expect(() => checkBound(150, 100, 50)).not.toThrow();
  expect(() => checkBound(151, 100, 50)).toThrow('more is buffered than may be');
  expect(() => checkBound(400, 100, 200)).not.toThrow();
  expect(() => checkBound(401, 100, 200)).toThrow('more is buffered than may be');
});

test('how a runner ended tells what was broken', () => {
  expect(violationOf('WEIR_PG_SLOT_ADVANCED', '').invariant).toBe(1);
  expect(violationOf('WEIR_SDK_USE', '').invariant).toBe(2);
  expect(violationOf('WEIR_COUNTERS', '').invariant).toBe(7);
  expect(violationOf('WEIR_PG_QUERY', '').property).toBe('the run ended with WEIR_PG_QUERY');
});
