import ts from 'typescript';
import { matches, type Finding } from './finding.ts';
import { codeFiles, isTestCode, lineOf, parse, walk } from './syntax.ts';
import type { Files } from './workspace-files.ts';

export const ERROR_TABLE = 'packages/sdk/src/error-codes.ts';
export const ERROR_PAGE = 'docs/errors.md';

/** A line of the table of errors. */
export interface ErrorEntry {
  readonly code: string;
  readonly exit: number;
  readonly policy: string;
  readonly remedy: string;
}

/** Reads the object literal `errorCodes`; it holds plain literals only, so that it can be read without running it. */
export function readErrorTable(text: string): ErrorEntry[] {
  const entries: ErrorEntry[] = [];
  walk(parse(ERROR_TABLE, text), (node) => {
    if (!ts.isVariableDeclaration(node) || node.name.getText() !== 'errorCodes' || node.initializer === undefined) return;
    let table: ts.Expression = node.initializer;
    while (ts.isAsExpression(table) || ts.isSatisfiesExpression(table)) table = table.expression;
    if (!ts.isObjectLiteralExpression(table)) throw new Error(`${ERROR_TABLE}: errorCodes is not an object literal`);
    for (const property of table.properties) entries.push(readEntry(property));
  });
  return entries;
}

function readEntry(property: ts.ObjectLiteralElementLike): ErrorEntry {
  if (!ts.isPropertyAssignment(property) || !ts.isObjectLiteralExpression(property.initializer)) {
    throw new Error(`${ERROR_TABLE}: ${property.getText()} is not a plain entry`);
  }
  const values = new Map<string, string>();
  for (const part of property.initializer.properties) {
    if (
      ts.isPropertyAssignment(part) &&
      (ts.isStringLiteralLike(part.initializer) || ts.isNumericLiteral(part.initializer))
    ) {
      values.set(part.name.getText(), part.initializer.text);
    }
  }
  return {
    code: property.name.getText(),
    exit: Number(values.get('exit')),
    policy: values.get('policy') ?? '',
    remedy: values.get('remedy') ?? '',
  };
}

/** Every code of the table is raised, every code that is raised or documented is in the table, and the page is current. */
export function checkErrorTable(files: Files): Finding[] {
  const entries = readErrorTable(files.get(ERROR_TABLE) ?? '');
  const known = new Set(entries.map(({ code }) => code));
  const { raised, findings } = readUses(files, known);
  for (const { code } of entries) {
    if (!raised.has(code))
      findings.push({ file: ERROR_TABLE, message: `${code} is raised nowhere: remove it, or raise it` });
  }
  findings.push(...unknownInPages(files, known));
  if (files.get(ERROR_PAGE) !== renderErrorPage(entries)) {
    findings.push({ file: ERROR_PAGE, message: 'is not what the table says: run `npm run docs`' });
  }
  return findings;
}

function readUses(files: Files, known: ReadonlySet<string>): { raised: Set<string>; findings: Finding[] } {
  const raised = new Set<string>();
  const findings: Finding[] = [];
  for (const [file, source] of codeFiles(files)) {
    if (file === ERROR_TABLE || isTestCode(file) || file.startsWith('tools/tidy/')) continue;
    walk(source, (node) => {
      if (!ts.isStringLiteralLike(node) || !/^WEIR_[A-Z0-9_]+$/.test(node.text)) return;
      if (known.has(node.text)) raised.add(node.text);
      else if (isCodePlace(node))
        findings.push({
          file,
          line: lineOf(node, source),
          message: `raises ${node.text}, which ${ERROR_TABLE} does not hold`,
        });
    });
  }
  return { raised, findings };
}

/** `new WeirError('…')` and `code: '…'`; elsewhere such a string can be the name of an environment variable. */
function isCodePlace(node: ts.Node): boolean {
  const { parent } = node;
  if (ts.isNewExpression(parent)) return parent.expression.getText().endsWith('Error');
  return ts.isPropertyAssignment(parent) && parent.name.getText() === 'code';
}

/** Names in pages are codes, or variables that the code reads. */
function unknownInPages(files: Files, known: ReadonlySet<string>): Finding[] {
  const code = [...files]
    .filter(([file]) => /\.(?:ts|mjs|sh)$|^\.ci\//.test(file))
    .map(([, text]) => text)
    .join('\n');
  const findings: Finding[] = [];
  for (const [file, text] of files) {
    if (!file.endsWith('.md') || file === ERROR_PAGE) continue;
    findings.push(
      ...matches(file, text, /\bWEIR_[A-Z0-9_]*[A-Z0-9]\b/g, ([name]) =>
        known.has(name) || code.includes(name)
          ? null
          : `names ${name}, which is neither an error code nor a variable that the code reads`,
      ),
    );
  }
  return findings;
}

const areas: Readonly<Record<string, string>> = {
  CONFIG: 'Configuration',
  DUCKDB: 'DuckDB',
  PG: 'PostgreSQL',
  PGOUTPUT: 'The replication stream of PostgreSQL',
  STORE: 'State',
};

const exits: Readonly<Record<number, string>> = {
  1: 'runtime',
  2: 'usage or configuration',
  3: 'connection or authorization',
  4: 'lost position',
};

/** `docs/errors.md`: the table of the code, for people. */
export function renderErrorPage(entries: readonly ErrorEntry[]): string {
  const groups = Map.groupBy(entries, ({ code }) => areas[code.split('_')[1]!] ?? 'General');
  const sections = [...groups].map(([title, members]) =>
    [`## ${title}`, '', '| Code | Exit code | Weir | What to do |', '|---|---|---|---|', ...members.map(row), ''].join('\n'),
  );
  return [
    '# Errors',
    '',
    `<!-- Made by \`npm run docs\` from ${ERROR_TABLE}; do not edit. -->`,
    '',
    'Every error has a stable code. Its message says what happened and where in the configuration; this table says what to',
    'do. “Tries again” means with growing pauses, until the retry budget is spent; “stops” means that a person has to act. “Stops at the start”',
    'means that it stops when the pipeline has not run yet in this process, since its configuration is wrong; once it has',
    'run, somebody changed something, so it is tried again like the others and goes on when that is mended.',
    `Exit codes: 0 success; ${Object.entries(exits)
      .map(([exit, meaning]) => `${exit} ${meaning}`)
      .join('; ')}; 130 and 143 ended by a signal.`,
    '',
    ...sections,
  ].join('\n');
}

const POLICIES: Readonly<Record<string, string>> = {
  retry: 'tries again',
  stop: 'stops',
  'stop-at-start': 'stops at the start',
};

function row({ code, exit, policy, remedy }: ErrorEntry): string {
  return `| \`${code}\` | ${exit} | ${POLICIES[policy] ?? policy} | ${remedy.replaceAll('|', '\\|')} |`;
}
