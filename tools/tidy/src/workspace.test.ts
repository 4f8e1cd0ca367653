import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { checkDeadFiles } from './dead-files.ts';
import { checkDeliveries } from './deliveries.ts';
import { checkDependencies, checkProjectGraph, type ProjectEdge } from './dependency-rule.ts';
import { checkErrorTable } from './error-table.ts';
import { checkFileNames } from './file-names.ts';
import { formatFinding, type Finding } from './finding.ts';
import { checkGuaranteesPage } from './guarantees-page.ts';
import { checkImportCycles } from './import-cycles.ts';
import { checkInvariantCitations } from './invariant-citations.ts';
import { checkLeftovers } from './leftovers.ts';
import { checkLengths } from './lengths.ts';
import { checkLinks } from './links.ts';
import { checkLockfile } from './lockfile.ts';
import { checkMachineTraces } from './machine-traces.ts';
import { checkManifests } from './manifest-rules.ts';
import { checkProjectReferences } from './project-references.ts';
import { citationRatchet, lengthLimits, lengthRatchet } from './ratchets.ts';
import { checkTypePage } from './type-page.ts';
import { readWorkspace } from './workspace-files.ts';

// This workspace as it is. The tests beside each check show that the check finds what it is for.
const root = resolve(import.meta.dirname, '../../..');
const files = readWorkspace(root);

function expectNone(findings: readonly Finding[]): void {
  expect(findings.map(formatFinding)).toEqual([]);
}

test('packages import only what the dependency rule allows and their package.json declares', () =>
  expectNone(checkDependencies(files)));
test('tsconfig references are those of the packages', () => expectNone(checkProjectReferences(files)));
test('packages are described, exported and versioned alike', () => expectNone(checkManifests(files)));
test('no files import each other in a circle', () => expectNone(checkImportCycles(files)));
test('every file of code is reached from an entry', () => expectNone(checkDeadFiles(files)));
test('files and functions stay short', () => expectNone(checkLengths(files, lengthLimits, lengthRatchet)));
test('files are named after concepts, in kebab-case', () => expectNone(checkFileNames(files)));
test('no notes of unfinished work are left, and no test sleeps', () => expectNone(checkLeftovers(files)));
test('citations of invariants resolve, and each invariant is cited in code and in a test', () => {
  expectNone(checkInvariantCitations(files, citationRatchet));
});
test('the page of guarantees is what the citations say', () => expectNone(checkGuaranteesPage(files)));
test('the page of each sink says its class and its limits (invariant 11)', () => expectNone(checkDeliveries(files)));
test('relative links of pages lead somewhere', () => expectNone(checkLinks(files)));
test('every error code is raised, known and documented', () => expectNone(checkErrorTable(files)));
test('the page of types is what the mappings say', () => expectNone(checkTypePage(files)));
test('the lockfile names no host and is complete', () => expectNone(checkLockfile(files.get('package-lock.json')!)));
test('no file holds a path of one machine or the address of a registry', () => expectNone(checkMachineTraces(files)));

test('Nx sees the same packages depend on each other as their package.json files say', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-graph-'));
  try {
    const file = join(folder, 'graph.json');
    const env = { ...process.env, NX_DAEMON: 'false', NX_NO_CLOUD: 'true', CI: 'true' };
    execFileSync(process.execPath, [join(root, 'node_modules/nx/dist/bin/nx.js'), 'graph', `--file=${file}`], {
      cwd: root,
      env,
      stdio: 'pipe',
    });
    const { graph } = JSON.parse(readFileSync(file, 'utf8')) as { graph: { dependencies: Record<string, ProjectEdge[]> } };
    expectNone(checkProjectGraph(files, Object.values(graph.dependencies).flat()));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);
