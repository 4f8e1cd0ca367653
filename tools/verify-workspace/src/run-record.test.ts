import { expect, test } from 'vitest';
import { readRecord, type RecordRules, type RunEvent } from './run-record.ts';

const rules: RecordRules = { exitCode: 0, skipsFail: false, chosenByName: false };

function record(...events: readonly RunEvent[]): string {
  return events.map((event) => `${JSON.stringify(event)}\n`).join('');
}

function ended(file: string, passed: number, failed = 0, skipped: readonly string[] = []): RunEvent[] {
  return [
    { event: 'start', file },
    ...Array.from({ length: passed }, (): RunEvent => ({ event: 'test', file, name: 'x', problem: null })),
    ...Array.from({ length: failed }, (): RunEvent => ({ event: 'test', file, name: 'x', problem: 'expected 1 to be 2' })),
    { event: 'end', file, skipped, broken: failed > 0, ms: 7 },
  ];
}

const over: RunEvent = { event: 'over', unhandledErrors: 0 };

test('tests are counted by what they came to, and those that failed are named', () => {
  const text = record(...ended('a', 2, 0, ['x', 'y']), ...ended('b', 3, 1), over);
  const notes = ['b > x: expected 1 to be 2', 'skipped: x', 'skipped: y'];
  const times = ['a', 'b'].map((file) => ({ file, ms: 7 }));
  expect(readRecord(text, { ...rules, exitCode: 1 })).toEqual({ name: 'unit', passed: 5, failed: 1, skipped: 2, notes, times });
});

test('a file that could not be loaded, or whose hook failed, is a failure', () => {
  const text = record({ event: 'end', file: 'a', skipped: [], broken: true, ms: 7 }, ...ended('b', 1), over);
  expect(readRecord(text, { ...rules, exitCode: 1 })).toMatchObject({
    passed: 1,
    failed: 1,
    notes: ['a failed outside of its tests'],
  });
});

test('errors outside of any test are failures', () => {
  const text = record(...ended('a', 1), { event: 'over', unhandledErrors: 2 });
  expect(readRecord(text, { ...rules, exitCode: 1 })).toMatchObject({
    passed: 1,
    failed: 2,
    notes: ['2 errors outside of any test'],
  });
});

test('a run that was cut off counts what ran, and what did not end as a failure', () => {
  const half: RunEvent[] = [
    { event: 'start', file: 'b' },
    { event: 'test', file: 'b', name: 'x', problem: null },
  ];
  const text = `${record(...ended('a', 7), ...half)}{"event":"en`;
  expect(readRecord(text, { ...rules, exitCode: null })).toMatchObject({ passed: 8, failed: 1, notes: ['b did not end'] });
  expect(readRecord(record(...ended('a', 7)), { ...rules, exitCode: null })).toMatchObject({
    passed: 7,
    failed: 1,
    notes: ['vitest did not come to its end'],
  });
});

test('an exit code that nothing explains is a failure', () => {
  expect(readRecord(record(...ended('a', 1), over), { ...rules, exitCode: 1 })).toMatchObject({
    passed: 1,
    failed: 1,
    notes: ['vitest ended with exit code 1 though no test failed'],
  });
});

test('a skipped test is a failure where nothing may be skipped', () => {
  expect(readRecord(record(...ended('a', 1, 0, ['x > y']), over), { ...rules, skipsFail: true })).toMatchObject({
    passed: 1,
    failed: 1,
    skipped: 0,
    notes: ['1 tests were skipped, which CI=true does not allow: x > y'],
  });
});

test('tests that were not chosen by name do not count', () => {
  const text = record(...ended('a', 1, 0, ['x']), over);
  expect(readRecord(text, { exitCode: 0, skipsFail: true, chosenByName: true })).toMatchObject({
    passed: 1,
    failed: 0,
    skipped: 0,
  });
});

test('no test and no record are failures', () => {
  expect(readRecord(record(over), rules)).toMatchObject({ failed: 1, notes: ['no test ran'] });
  expect(readRecord(record(...ended('a', 0, 0, ['x']), over), rules)).toMatchObject({
    failed: 1,
    skipped: 1,
    notes: ['no test ran', 'skipped: x'],
  });
  const mayAllSkip = { ...rules, mayAllSkip: true };
  expect(readRecord(record(...ended('a', 0, 0, ['x']), over), mayAllSkip)).toMatchObject({ failed: 0, skipped: 1 });
  expect(readRecord(record(over), mayAllSkip)).toMatchObject({ failed: 1, notes: ['no test ran'] });
  expect(readRecord('', rules)).toMatchObject({ failed: 1, notes: ['vitest did not come to its end'] });
});
