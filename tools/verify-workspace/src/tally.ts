/** What one part of a run came to. */
export interface Outcome {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What a person should know about a failure, beside what the part has printed itself. */
  readonly notes: readonly string[];
  /** How long each file of tests took. */
  readonly times?: readonly FileTime[];
}

export interface FileTime {
  readonly file: string;
  /** In ms; files run side by side. */
  readonly ms: number;
}

/** The files that took longest, as `  63.2 s  packages/x/src/y.test.ts`. */
export function slowest(outcomes: readonly Outcome[], count: number): string[] {
  return outcomes
    .flatMap(({ name, times = [] }) => times.map(({ file, ms }) => ({ ms, text: name === 'unit' ? file : `${file} (${name})` })))
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, count)
    .map(({ ms, text }) => `${(ms / 1000).toFixed(1).padStart(8)} s  ${text}`);
}

/** One check that passed or not. */
export function single(name: string, problem: string | null): Outcome {
  return {
    name,
    passed: problem === null ? 1 : 0,
    failed: problem === null ? 0 : 1,
    skipped: 0,
    notes: problem === null ? [] : [problem],
  };
}

/** The sum of all parts. A run in which nothing ran has failed. */
export function total(outcomes: readonly Outcome[]): Outcome {
  const sum = (pick: (outcome: Outcome) => number): number => outcomes.reduce((count, outcome) => count + pick(outcome), 0);
  const all = {
    name: 'all',
    passed: sum(({ passed }) => passed),
    failed: sum(({ failed }) => failed),
    skipped: sum(({ skipped }) => skipped),
  };
  if (all.passed + all.failed > 0) return { ...all, notes: [] };
  return { ...all, failed: 1, notes: ['nothing ran'] };
}

/** The last line of a run: `12 passed, 0 failed`, and what was skipped if anything was. */
export function closingLine({ passed, failed, skipped }: Outcome): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
