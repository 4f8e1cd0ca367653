import ts from 'typescript';
import type { Finding } from './finding.ts';
import { readPackages } from './manifests.ts';
import { codeFiles, isTestCode, walk } from './syntax.ts';
import type { Files } from './workspace-files.ts';

/** The page of every sink says the class that its code promises, and its limits (invariant 11). */
export function checkDeliveries(files: Files): Finding[] {
  const findings: Finding[] = [];
  for (const { folder } of readPackages(files)) {
    if (!folder.startsWith('packages/sink-')) continue;
    const file = `${folder}/README.md`;
    const page = (files.get(file) ?? '').replaceAll('*', '');
    const classes = promisedClasses(files, folder);
    if (classes.length === 0) findings.push({ file: folder, message: 'has no connector with a `delivery`' });
    for (const promised of classes) {
      if (!new RegExp(`\\bclass ${promised}\\b`, 'i').test(page)) {
        findings.push({ file, message: `does not say that the sink is of class ${promised}` });
      }
    }
    if (!/^#+ .*\blimits?\b/im.test(page)) findings.push({ file, message: 'has no heading about limits' });
  }
  return findings;
}

function promisedClasses(files: Files, folder: string): string[] {
  const found: string[] = [];
  for (const [file, source] of codeFiles(files)) {
    if (!file.startsWith(`${folder}/src/`) || isTestCode(file)) continue;
    walk(source, (node) => {
      if (!ts.isPropertyAssignment(node) || node.name.getText() !== 'delivery') return;
      if (!ts.isObjectLiteralExpression(node.initializer)) return;
      for (const part of node.initializer.properties) {
        if (!ts.isPropertyAssignment(part) || part.name.getText() !== 'class') continue;
        if (ts.isStringLiteral(part.initializer)) found.push(part.initializer.text);
      }
    });
  }
  return found;
}
