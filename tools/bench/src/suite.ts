export type SinkName = 'duckdb' | 'postgres';

/** What a suite is asked for. */
export interface SuiteOptions {
  /** Rows of the load; a suite has its own number by default. */
  readonly rows: number;
  /** Rounds. */
  readonly runs: number;
  /** For suites that deliver. */
  readonly sinks: readonly SinkName[];
  /** Tables of `many`. */
  readonly tables: number;
  /** Bytes of the large row of `memory`. */
  readonly largeBytes: number;
  /** Told what is being done. */
  readonly log: (line: string) => void;
}

/** A table of results: one object a line, its columns in order. */
export interface Report {
  readonly title: string;
  readonly lines: readonly Readonly<Record<string, string>>[];
}

export interface Suite {
  /** For a person. */
  readonly about: string;
  readonly rows: number;
  /** With `--quick`; null for a suite that does not belong there. */
  readonly quickRows: number | null;
  readonly runs: number;
  run(options: SuiteOptions): Promise<Report>;
  /** Where Weir spends its time, in place of what it takes; absent where that is not known. @param folder for profiles */
  readonly profile?: (options: SuiteOptions, folder: string) => Promise<Report>;
}

/** A report as Markdown. */
export function markdown({ title, lines }: Report): string {
  const columns = Object.keys(lines[0] ?? {});
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [`${title}\n`, row(columns), row(columns.map(() => '---')), ...lines.map((line) => row(Object.values(line)))].join('\n');
}
