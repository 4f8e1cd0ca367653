import ts from 'typescript';
import type { Files } from './workspace-files.ts';

/** An import, re-export or dynamic import of a file. */
export interface Import {
  readonly specifier: string;
  /** `import type`, `export type`: nothing is loaded. */
  readonly typeOnly: boolean;
  /** From 1. */
  readonly line: number;
}

const parsed = new Map<string, { text: string; source: ts.SourceFile }>();

/** The syntax tree of one file; parsed once for all checks. */
export function parse(file: string, text: string): ts.SourceFile {
  const known = parsed.get(file);
  if (known?.text === text) return known.source;
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  parsed.set(file, { text, source });
  return source;
}

export function isCode(file: string): boolean {
  return /\.(?:ts|tsx|mts|mjs)$/.test(file);
}

/** A file that vitest runs. */
export function isTest(file: string): boolean {
  return /\.test\.tsx?$/.test(file);
}

/** What only tests and benchmarks use: they, contracts, fakes and what stands in `src/testing`. It is never published. */
export function isTestCode(file: string): boolean {
  return /\.(?:test|contract|fake|bench)\.tsx?$|\/src\/testing\//.test(file);
}

/** Code of the workspace: path and syntax tree. */
export function* codeFiles(files: Files): Generator<[file: string, source: ts.SourceFile]> {
  for (const [file, text] of files) if (isCode(file)) yield [file, parse(file, text)];
}

export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

export function lineOf(node: ts.Node, source: ts.SourceFile): number {
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
}

/** Everything that a file imports, in order. */
export function importsOf(source: ts.SourceFile): Import[] {
  const imports: Import[] = [];
  const add = (node: ts.Node, specifier: ts.Node | undefined, typeOnly: boolean): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    imports.push({ specifier: specifier.text, typeOnly, line: lineOf(node, source) });
  };
  walk(source, (node) => {
    if (ts.isImportDeclaration(node)) add(node, node.moduleSpecifier, isTypeImport(node));
    else if (ts.isExportDeclaration(node)) add(node, node.moduleSpecifier, node.isTypeOnly || allTypes(node.exportClause));
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node, node.arguments[0], false);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node, node.argument.literal, true);
  });
  return imports;
}

function isTypeImport(node: ts.ImportDeclaration): boolean {
  const clause = node.importClause;
  if (clause === undefined) return false;
  return clause.phaseModifier === ts.SyntaxKind.TypeKeyword || (clause.name === undefined && allTypes(clause.namedBindings));
}

function allTypes(names: ts.NamedImportBindings | ts.NamedExportBindings | undefined): boolean {
  if (names === undefined || !(ts.isNamedImports(names) || ts.isNamedExports(names))) return false;
  return names.elements.length > 0 && names.elements.every((element) => element.isTypeOnly);
}

/** Every string literal of a file, the specifiers of imports included. */
export function stringsOf(source: ts.SourceFile): string[] {
  const strings: string[] = [];
  walk(source, (node) => {
    if (ts.isStringLiteralLike(node)) strings.push(node.text);
  });
  return strings;
}
