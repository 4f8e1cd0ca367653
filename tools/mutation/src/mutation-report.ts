/** What is read of a report: https://github.com/stryker-mutator/mutation-testing-elements, mutation-testing-report-schema. */
export interface MutationReport {
  readonly files: Readonly<Record<string, { readonly source: string; readonly mutants: readonly Mutant[] }>>;
}

export interface Mutant {
  readonly mutatorName: string;
  readonly replacement?: string;
  readonly status: 'Killed' | 'Survived' | 'NoCoverage' | 'Timeout' | 'CompileError' | 'RuntimeError' | 'Ignored' | 'Pending';
  readonly location: { readonly start: Place; readonly end: Place };
}

/** Both from 1. */
interface Place {
  readonly line: number;
  readonly column: number;
}

interface Counts {
  readonly mutants: number;
  readonly killed: number;
  readonly timeout: number;
  readonly survived: number;
  readonly noCoverage: number;
}

/** Longest that the text of a survivor may be, in characters. */
const WIDTH = 60;

function countsOf(mutants: readonly Mutant[]): Counts {
  const count = (status: Mutant['status']): number => mutants.filter((each) => each.status === status).length;
  const [killed, timeout, survived] = [count('Killed'), count('Timeout'), count('Survived')];
  const noCoverage = count('NoCoverage');
  // Mutants that could not be run say nothing about the tests.
  return { mutants: killed + timeout + survived + noCoverage, killed, timeout, survived, noCoverage };
}

/** Percent of the mutants that tests noticed, an endless loop included. */
function scoreOf({ mutants, killed, timeout }: Counts): string {
  return mutants === 0 ? '-' : ((100 * (killed + timeout)) / mutants).toFixed(1);
}

/** A table of the files and their sum, as markdown. */
export function scoreTable({ files }: MutationReport): string {
  const names = Object.keys(files).toSorted();
  const row = (name: string, counts: Counts): string =>
    `| ${name} | ${counts.mutants} | ${counts.killed} | ${counts.timeout} | ${counts.survived} | ${counts.noCoverage} | ${scoreOf(counts)} |`;
  return [
    '| | Mutants | Killed | Timeout | Survived | Not reached | Score |',
    '|---|--:|--:|--:|--:|--:|--:|',
    ...names.map((name) => row(name.replace(/^packages\/\w+\/src\//, ''), countsOf(files[name]!.mutants))),
    row('all', countsOf(Object.values(files).flatMap(({ mutants }) => mutants))),
  ].join('\n');
}

/** A line for each mutant that no test noticed: where, what was there, what was there instead. */
export function survivors({ files }: MutationReport): string[] {
  return Object.keys(files)
    .toSorted()
    .flatMap((name) => {
      const { source, mutants } = files[name]!;
      return mutants
        .filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
        .toSorted((a, b) => a.location.start.line - b.location.start.line || a.location.start.column - b.location.start.column)
        .map((mutant) => survivor(name, source, mutant));
    });
}

function survivor(name: string, source: string, { location, mutatorName, replacement, status }: Mutant): string {
  const { start, end } = location;
  const lines = source.split('\n').slice(start.line - 1, end.line);
  lines[lines.length - 1] = lines.at(-1)!.slice(0, end.column - 1);
  lines[0] = lines[0]!.slice(start.column - 1);
  const unreached = status === 'NoCoverage' ? ' (not reached)' : '';
  return `${name}:${start.line}:${start.column}  ${short(lines.join(' '))}  →  ${short(replacement ?? mutatorName)}${unreached}`;
}

function short(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > WIDTH ? `${line.slice(0, WIDTH - 1)}…` : line;
}
