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

/**
 * Imports, and files that are named in a string: what starts as a worker or a child process. Such a name can be relative to
 * the code that starts it, so it stands for every file of the package whose path ends with it.
 */
export function referenceGraph(files: Files): ModuleGraph {
  const graph = new Map<string, string[]>();
  const code = [...files.keys()].filter(isCode);
  for (const [file, source] of codeFiles(files)) {
    const home = `${file.split('/', 2).join('/')}/`;
    const named = stringsOf(source).filter((text) => isCode(text) && /^[\w./-]+$/.test(text));
    const targets = named.flatMap((text) => {
      const direct = resolve(files, file, text) ?? (files.has(text) ? text : null);
      const tail = `/${text.replace(/^(?:\.{1,2}\/)+/, '')}`;
      return direct === null
        ? code.filter((other) => other.startsWith(home) && other !== file && other.endsWith(tail))
        : [direct];
    });
    graph.set(file, targets);
  }
  return graph;
}
