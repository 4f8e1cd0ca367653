import type { Finding } from './finding.ts';
import { importGraph, type ModuleGraph } from './module-graph.ts';
import type { Files } from './workspace-files.ts';

/** Files that import each other in a circle, type-only imports included: such files can only be read together. */
export function checkImportCycles(files: Files): Finding[] {
  return findCycles(importGraph(files)).map((cycle) => ({
    file: cycle[0]!,
    message: `is in an import cycle: ${[...cycle, cycle[0]].join(' → ')}`,
  }));
}

/** At least one cycle of each group of nodes that reach each other; a cycle starts at its first name. */
export function findCycles(graph: ModuleGraph): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (node: string): void => {
    const at = path.indexOf(node);
    if (at !== -1) {
      cycles.push(rotated(path.slice(at)));
      return;
    }
    if (done.has(node)) return;
    path.push(node);
    for (const next of graph.get(node) ?? []) visit(next);
    path.pop();
    done.add(node);
  };
  for (const node of graph.keys()) visit(node);
  return cycles;
}

function rotated(cycle: string[]): string[] {
  const first = cycle.indexOf(cycle.toSorted()[0]!);
  return [...cycle.slice(first), ...cycle.slice(0, first)];
}
