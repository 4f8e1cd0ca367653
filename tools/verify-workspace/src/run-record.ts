import type { FileTime, Outcome } from './tally.ts';

/**
 * What vitest reports while it runs, one JSON text a line. It is written as it happens, so that a run which is killed, or
 * which hangs until the time limit, still tells what ran and what did not end.
 */
export type RunEvent =
  | { readonly event: 'start'; readonly file: string }
  /** `problem` is null when it passed, else the first line of what it failed with. */
  | { readonly event: 'test'; readonly file: string; readonly name: string; readonly problem: string | null }
  /**
   * `skipped` holds full names, with the reason that a test gave. `broken` says that the file failed, though perhaps none of its tests: it could not be loaded,
   * or a hook failed. `ms` is how long it took.
   */
  | {
      readonly event: 'end';
      readonly file: string;
      readonly skipped: readonly string[];
      readonly broken: boolean;
      readonly ms: number;
    }
  /** Everything was run; errors that belong to no test are counted here. */
  | { readonly event: 'over'; readonly unhandledErrors: number };

export interface RecordRules {
  /** Exit code of vitest; null when it did not end by itself. */
  readonly exitCode: number | null;
  /** A machine that checks a submission must be able to run everything. */
  readonly skipsFail: boolean;
  /** Set when tests were chosen by name: those that were not chosen are reported as skipped, and do not count at all. */
  readonly chosenByName: boolean;
  /** Set for tests of which each may need what is not here; else a run in which nothing ran has failed. */
  readonly mayAllSkip?: boolean;
}

/** Counts what really ran; everything that went wrong beside the tests is a failure too. */
export function readRecord(text: string, rules: RecordRules): Outcome {
  const notes: string[] = [];
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const fail = (note: string, count = 1): void => {
    counts.failed += count;
    notes.push(note);
  };
  const open = new Set<string>();
  const failedFiles = new Set<string>();
  const skipped: string[] = [];
  const times: FileTime[] = [];
  let over = false;
  for (const event of parse(text)) {
    if (event.event === 'start') open.add(event.file);
    else if (event.event === 'test') {
      if (event.problem === null) counts.passed++;
      else fail(`${event.file} > ${event.name}: ${event.problem}`);
      if (event.problem !== null) failedFiles.add(event.file);
    } else if (event.event === 'end') {
      open.delete(event.file);
      skipped.push(...event.skipped);
      times.push({ file: event.file, ms: event.ms });
      if (event.broken && !failedFiles.has(event.file)) fail(`${event.file} failed outside of its tests`);
    } else {
      over = true;
      if (event.unhandledErrors > 0) fail(`${event.unhandledErrors} errors outside of any test`, event.unhandledErrors);
    }
  }
  for (const file of open) fail(`${file} did not end`);
  if (!over && open.size === 0) fail('vitest did not come to its end');
  if (!rules.chosenByName && rules.skipsFail && skipped.length > 0) {
    fail(`${skipped.length} tests were skipped, which CI=true does not allow: ${skipped.join('; ')}`, skipped.length);
  } else if (!rules.chosenByName) {
    counts.skipped = skipped.length;
  }
  if (rules.exitCode !== 0 && counts.failed === 0)
    fail(`vitest ended with exit code ${rules.exitCode ?? '(none)'} though no test failed`);
  const isNothing = counts.passed + counts.failed === 0;
  if (isNothing && !(rules.mayAllSkip === true && counts.skipped > 0)) fail('no test ran');
  if (counts.skipped > 0) notes.push(...skipped.map((name) => `skipped: ${name}`));
  return { name: 'unit', ...counts, notes, times };
}

/** The last line of a killed run can be half of one. */
function parse(text: string): RunEvent[] {
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as RunEvent);
}
