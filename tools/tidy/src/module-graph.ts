import { posix } from 'node:path';
import { codeFiles, importsOf, isCode, stringsOf } from './syntax.ts';
import type { Files } from './workspace-files.ts';

/** What each file of code leads to within the workspace. */
export type ModuleGraph = ReadonlyMap<string, readonly string[]>;

function resolve(files: Files, from: string, specifier: string): string | null {
  const target = posix.join(posix.dirname(from), specifier);
  return files.has(target) && target !== from ? target : null;
}

/** Relative imports, type-only ones included. */
export function importGraph(files: Files): ModuleGraph {
  const graph = new Map<string, string[]>();
  for (const [file, source] of codeFiles(files)) {
    const relative = importsOf(source).filter(({ specifier }) => specifier.startsWith('.'));
    graph.set(
      file,
      relative.map(({ specifier }) => resolve(files, file, specifier)).filter((target) => target !== null),
    );
  }
  return graph;
}

/** Imports, and files that are named in a string: what starts as a worker or a child process. */
export function referenceGraph(files: Files): ModuleGraph {
  const graph = new Map<string, string[]>();
  for (const [file, source] of codeFiles(files)) {
    const named = stringsOf(source).filter((text) => isCode(text) && /^[\w./-]+$/.test(text));
    graph.set(
      file,
      named.map((text) => resolve(files, file, text) ?? (files.has(text) ? text : null)).filter((target) => target !== null),
    );
  }
  return graph;
}
