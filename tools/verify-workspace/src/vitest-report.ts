import type { Outcome } from './tally.ts';

/** What is read of the report of vitest's JSON reporter. */
interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

export interface ReportRules {
  /** Exit code of vitest; null when it did not end by itself. */
  readonly exitCode: number | null;
  /** A machine that checks a submission must be able to run everything. */
  readonly skipsFail: boolean;
  /** Set when tests were chosen by name: those that were not chosen are reported as skipped, and do not count at all. */
  readonly chosenByName: boolean;
}

/**
 * Counts what really ran. A file that could not be loaded is a failure, and so is an error outside of any test, which shows
 * only in the exit code; a report that is missing or damaged is one as well.
 */
export function readVitestReport(text: string | null, rules: ReportRules): Outcome {
  const report = parse(text);
  if (report === null) return { name: 'unit', passed: 0, failed: 1, skipped: 0, notes: ['vitest left no report'] };
  const notes: string[] = [];
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const file of report.testResults) {
    for (const { status } of file.assertionResults) counts[kindOf(status)]++;
    if (file.status === 'failed' && !file.assertionResults.some(({ status }) => kindOf(status) === 'failed')) {
      counts.failed++;
      notes.push(`${file.name} failed outside of its tests`);
    }
  }
  if (rules.chosenByName) counts.skipped = 0;
  if (rules.skipsFail && counts.skipped > 0) {
    notes.push(`${counts.skipped} tests were skipped, which CI=true does not allow: ${skippedNames(report).join('; ')}`);
    counts.failed += counts.skipped;
    counts.skipped = 0;
  }
  if (rules.exitCode !== 0 && counts.failed === 0) {
    counts.failed++;
    notes.push(`vitest ended with exit code ${rules.exitCode ?? '(none)'} though no test failed: see the errors above`);
  }
  if (counts.passed + counts.failed === 0) {
    counts.failed++;
    notes.push('no test ran');
  }
  return { name: 'unit', ...counts, notes };
}

function parse(text: string | null): VitestReport | null {
  try {
    const report = JSON.parse(text ?? '') as Partial<VitestReport>;
    return Array.isArray(report.testResults) ? { testResults: report.testResults } : null;
  } catch {
    return null;
  }
}

function kindOf(status: string): 'passed' | 'failed' | 'skipped' {
  return status === 'passed' || status === 'failed' ? status : 'skipped';
}

function skippedNames(report: VitestReport): string[] {
  return report.testResults.flatMap(({ assertionResults }) =>
    assertionResults.filter(({ status }) => kindOf(status) === 'skipped').map(({ fullName }) => fullName),
  );
}
