import { expect, test } from 'vitest';
import { readVitestReport, type ReportRules } from './vitest-report.ts';

const rules: ReportRules = { exitCode: 0, skipsFail: false, chosenByName: false };

interface ReportedFile {
  readonly tests: readonly string[];
  readonly status?: string;
}

function report(files: readonly ReportedFile[]): string {
  const testResults = files.map(({ tests, status = 'passed' }, n) => ({
    name: `file-${n}.test.ts`,
    status,
    assertionResults: tests.map((each, m) => ({ status: each, fullName: `test ${n}.${m}` })),
  }));
  return JSON.stringify({ testResults });
}

test('tests are counted by what they came to', () => {
  const text = report([
    { tests: ['passed', 'passed', 'skipped'] },
    { tests: ['failed', 'passed', 'todo', 'pending'], status: 'failed' },
  ]);
  expect(readVitestReport(text, { ...rules, exitCode: 1 })).toEqual({
    name: 'unit',
    passed: 3,
    failed: 1,
    skipped: 3,
    notes: [],
  });
});

test('a file that could not be loaded is a failure', () => {
  const outcome = readVitestReport(report([{ tests: [], status: 'failed' }, { tests: ['passed'] }]), {
    ...rules,
    exitCode: 1,
  });
  expect(outcome).toMatchObject({ passed: 1, failed: 1, notes: ['file-0.test.ts failed outside of its tests'] });
});

test('an error outside of all tests shows in the exit code and is a failure', () => {
  expect(readVitestReport(report([{ tests: ['passed'] }]), { ...rules, exitCode: 1 })).toMatchObject({
    passed: 1,
    failed: 1,
  });
  expect(readVitestReport(report([{ tests: ['passed'] }]), { ...rules, exitCode: null })).toMatchObject({
    passed: 1,
    failed: 1,
  });
});

test('a skipped test is a failure where nothing may be skipped', () => {
  const outcome = readVitestReport(report([{ tests: ['passed', 'skipped'] }]), { ...rules, skipsFail: true });
  expect(outcome).toMatchObject({
    passed: 1,
    failed: 1,
    skipped: 0,
    notes: ['1 tests were skipped, which CI=true does not allow: test 0.1'],
  });
});

test('tests that were not chosen by name do not count', () => {
  expect(
    readVitestReport(report([{ tests: ['passed', 'skipped'] }]), { exitCode: 0, skipsFail: true, chosenByName: true }),
  ).toMatchObject({
    passed: 1,
    failed: 0,
    skipped: 0,
  });
});

test('no tests, no report and half a report are failures', () => {
  expect(readVitestReport(report([]), rules)).toMatchObject({ failed: 1, notes: ['no test ran'] });
  expect(readVitestReport(report([{ tests: ['skipped'] }]), rules)).toMatchObject({ failed: 1, notes: ['no test ran'] });
  for (const text of [null, '', '{"testResults":[', '{}'])
    expect(readVitestReport(text, rules)).toMatchObject({ failed: 1, notes: ['vitest left no report'] });
});
