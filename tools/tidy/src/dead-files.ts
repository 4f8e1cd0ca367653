import type { Finding } from './finding.ts';
import { readPackages } from './manifests.ts';
import { referenceGraph } from './module-graph.ts';
import { isCode, isTest } from './syntax.ts';
import type { Files } from './workspace-files.ts';

/** Code that nothing leads to: not a package's exports, not a script, a test, a benchmark or a tool's configuration. */
export function checkDeadFiles(files: Files): Finding[] {
  const graph = referenceGraph(files);
  const reached = new Set<string>();
  const visit = (file: string): void => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const next of graph.get(file) ?? []) visit(next);
  };
  for (const file of entries(files)) visit(file);
  return [...files.keys()]
    .filter((file) => isCode(file) && !reached.has(file))
    .map((file) => ({
      file,
      message: 'is reached from no entry (exports, scripts, main.ts, tests, benchmarks): use it or remove it',
    }));
}

function entries(files: Files): string[] {
  const found: string[] = [...files.keys()].filter(
    (file) => isTest(file) || /(?:^|\/)(?:main|index)\.ts$|\.bench\.ts$|(?:^|\/)vitest\.(?:config|shared)\.ts$/.test(file),
  );
  for (const { folder, manifest } of readPackages(files)) {
    const sources = Object.values(manifest.exports ?? {}).map((target) =>
      typeof target === 'string' ? target : (target['@weir/source'] ?? ''),
    );
    found.push(...sources.map((source) => `${folder}/${source.replace(/^\.\//, '')}`));
  }
  const scripts = Object.values(
    (JSON.parse(files.get('package.json') ?? '{}') as { scripts?: Record<string, string> }).scripts ?? {},
  );
  found.push(...scripts.flatMap((script) => script.split(/\s+/)));
  return found.filter((file) => files.has(file) && isCode(file));
}
