import ts from 'typescript';
import type { Finding } from './finding.ts';
import { codeFiles, isTestCode, lineOf } from './syntax.ts';
import type { Files } from './workspace-files.ts';

/** Most lines of a file, of a test file, of a function. */
export interface LengthLimits {
  readonly file: number;
  readonly testFile: number;
  readonly function: number;
}

/** Lengths above a limit that stand as exceptions, in lines: `path` or `path#function`. They may only shrink. */
export type LengthRatchet = Readonly<Record<string, number>>;

const registrations = new Set(['describe', 'it', 'test', 'bench', 'beforeAll', 'beforeEach', 'afterAll', 'afterEach']);

/** Files and functions that no longer fit a head, and exceptions that are no longer needed. */
export function checkLengths(files: Files, limits: LengthLimits, ratchet: LengthRatchet): Finding[] {
  const findings: Finding[] = [];
  const unused = new Set(Object.keys(ratchet));
  const check = (file: string, key: string, what: string, length: number, limit: number, line?: number): void => {
    const allowed = ratchet[key] ?? limit;
    const place = line === undefined ? { file } : { file, line };
    if (length > limit) unused.delete(key);
    if (length > allowed) findings.push({ ...place, message: `${what} has ${length} lines, above ${allowed}: split it` });
    if (length > limit && length < allowed)
      findings.push({ ...place, message: `${what} shrank to ${length} lines: lower its ratchet from ${allowed}` });
  };
  for (const [file, source] of codeFiles(files)) {
    check(file, file, 'the file', lines(source.text), isTestCode(file) ? limits.testFile : limits.file);
    for (const { name, length, line } of functionsOf(source)) {
      check(file, `${file}#${name}`, `function ${name}`, length, limits.function, line);
    }
  }
  for (const key of unused)
    findings.push({ file: key.split('#')[0]!, message: `needs no exception any more: remove ${key} from the ratchet` });
  return findings;
}

function lines(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}

interface FunctionLength {
  readonly name: string;
  readonly length: number;
  readonly line: number;
}

/** Every function with a body. What a function hands to `describe`, `it` and the like is counted by itself. */
function functionsOf(source: ts.SourceFile): FunctionLength[] {
  const found: FunctionLength[] = [];
  /** Returns the lines below `node` that do not count for the function around it. */
  const visit = (node: ts.Node): number => {
    let apart = 0;
    ts.forEachChild(node, (child) => {
      apart += visit(child);
    });
    if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return apart;
    const length = span(node, source);
    found.push({ name: nameOf(node), length: length - apart, line: lineOf(node, source) });
    return isRegistered(node) ? length - 1 : apart;
  };
  visit(source);
  return found;
}

function span(node: ts.Node, source: ts.SourceFile): number {
  return source.getLineAndCharacterOfPosition(node.end).line - lineOf(node, source) + 2;
}

function isRegistered(node: ts.Node): boolean {
  if (!ts.isCallExpression(node.parent)) return false;
  let callee: ts.Expression = node.parent.expression;
  while (ts.isPropertyAccessExpression(callee) || ts.isCallExpression(callee)) callee = callee.expression;
  return ts.isIdentifier(callee) && registrations.has(callee.text);
}

function nameOf(node: ts.SignatureDeclaration): string {
  if (ts.isConstructorDeclaration(node)) return 'constructor';
  if (node.name !== undefined) return node.name.getText();
  const { parent } = node;
  if (ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent) || ts.isPropertyDeclaration(parent))
    return parent.name.getText();
  if (ts.isCallExpression(parent)) return `passed to ${parent.expression.getText().slice(0, 40)}`;
  return '(without a name)';
}
