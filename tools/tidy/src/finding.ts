/** One thing that a check does not accept. */
export interface Finding {
  /** Path from the workspace's root. */
  readonly file: string;
  /** Line from 1, where one is to blame. */
  readonly line?: number;
  /** What is wrong, and what to do about it. */
  readonly message: string;
}

/** One line for a person: `file:line message`. */
export function formatFinding({ file, line, message }: Finding): string {
  return line === undefined ? `${file} ${message}` : `${file}:${line} ${message}`;
}

/** The findings of text patterns: one for each match, with its line. */
export function matches(
  file: string,
  text: string,
  pattern: RegExp,
  message: (match: RegExpExecArray) => string | null,
): Finding[] {
  const findings: Finding[] = [];
  for (const match of text.matchAll(pattern)) {
    const said = message(match);
    if (said !== null) findings.push({ file, line: lineAt(text, match.index), message: said });
  }
  return findings;
}

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line++;
  return line;
}
