import ts from 'typescript';
import { matches, type Finding } from './finding.ts';
import { codeFiles, isTest, lineOf, walk } from './syntax.ts';
import type { Files } from './workspace-files.ts';

/** Put together from parts, so that this file does not find itself. */
const note = new RegExp(`\\b(?:${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'].join('|')})\\b`, 'g');
const left = new Set(['skip', 'only', 'todo', 'fails']);
const runners = new Set(['it', 'test', 'describe', 'bench']);

/** Notes of unfinished work, and tests that do not run. */
export function checkLeftovers(files: Files): Finding[] {
  const findings: Finding[] = [];
  for (const [file, text] of files) {
    if (file === 'package-lock.json') continue;
    findings.push(...matches(file, text, note, ([word]) => `holds a ${word}: do it, or file an issue`));
  }
  for (const [file, source] of codeFiles(files)) if (isTest(file)) findings.push(...sleepingTests(file, source));
  return findings;
}

function sleepingTests(file: string, source: ts.SourceFile): Finding[] {
  const findings: Finding[] = [];
  walk(source, (node) => {
    if (!ts.isPropertyAccessExpression(node) || !left.has(node.name.text)) return;
    let callee: ts.Expression = node.expression;
    while (ts.isPropertyAccessExpression(callee)) callee = callee.expression;
    if (!ts.isIdentifier(callee) || !runners.has(callee.text)) return;
    findings.push({
      file,
      line: lineOf(node, source),
      message: `holds ${node.getText(source)}: a test runs, always and with the others`,
    });
  });
  return findings;
}
