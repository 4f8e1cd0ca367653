import type { Finding } from './finding.ts';
import { findCycles } from './import-cycles.ts';
import { allDependencies, packageName, packageOf, readPackages, runtimeDependencies, type Package } from './manifests.ts';
import { codeFiles, importsOf, isTestCode, stringsOf, type Import } from './syntax.ts';
import type { Files } from './workspace-files.ts';

interface Allowance {
  /** The packages that this line is about. */
  readonly from: RegExp;
  /** What they may import. */
  readonly may: RegExp;
  /** Of these only types. */
  readonly typesOf?: RegExp;
}

/**
 * Who may import whom; the first line that fits a package counts. Connectors know neither each other nor the engine, and the
 * engine knows no connector, so that each is useful alone and the engine can be run under a simulator.
 */
export const dependencyRule: readonly Allowance[] = [
  { from: /^@weir\/sdk$/, may: /^$/ },
  { from: /^@weir\/(?:pgoutput|binlog|formats|store|journal|transforms)$/, may: /^@weir\/sdk$/ },
  { from: /^@weir\/postgres$/, may: /^@weir\/(?:sdk|pgoutput)$/ },
  { from: /^@weir\/(?:mysql|sql-sink)$/, may: /^@weir\/sdk$/ },
  { from: /^@weir\/sink-/, may: /^@weir\/(?:sdk|pgoutput|binlog|postgres|mysql|sql-sink|formats|journal)$/ },
  { from: /^@weir\/source-/, may: /^@weir\/(?:sdk|pgoutput|binlog|postgres|mysql|formats|journal)$/ },
  { from: /^@weir\/engine$/, may: /^@weir\/(?:sdk|store)$/, typesOf: /^@weir\/store$/ },
  { from: /^@weir\/testkit$/, may: /^@weir\/(?:sdk|store|engine|services)$/ },
];
/** Apps, tools and examples import anything, but what ships never imports the testkit. */
const appRule: Allowance = { from: /./, may: /^@weir\/(?!testkit$)/ };
const toolRule: Allowance = { from: /./, may: /^@weir\// };
/** What tests import beside that: contracts and faults, real servers, and the store as it is. */
const forTests = /^@weir\/(?:testkit|services|store)$/;

function allowanceOf({ folder, name }: Package): Allowance {
  if (folder === 'examples' || folder.startsWith('apps/')) return appRule;
  if (folder.startsWith('tools/')) return toolRule;
  return dependencyRule.find(({ from }) => from.test(name)) ?? { from: /./, may: /^$/ };
}

/** Imports that the rule forbids or no package.json declares, declarations that nothing uses, cycles of packages. */
export function checkDependencies(files: Files): Finding[] {
  const packages = readPackages(files);
  const rootTools = Object.keys(
    (JSON.parse(files.get('package.json') ?? '{}') as { devDependencies?: object }).devDependencies ?? {},
  );
  const used = new Map<string, Set<string>>(packages.map(({ name }) => [name, new Set()]));
  const findings: Finding[] = [];
  for (const [file, source] of codeFiles(files)) {
    const from = packageOf(packages, file);
    if (from === undefined || !file.startsWith(`${from.folder}/src/`)) continue;
    for (const name of stringsOf(source)) used.get(from.name)!.add(packageName(name));
    for (const each of importsOf(source)) {
      const message = forbidden(packages, from, file, each) ?? undeclared(from, file, each, rootTools);
      if (message !== null) findings.push({ file, line: each.line, message });
    }
  }
  return [...findings, ...unusedDeclarations(packages, used), ...packageCycles(packages)];
}

function forbidden(
  packages: readonly Package[],
  from: Package,
  file: string,
  { specifier, typeOnly }: Import,
): string | null {
  if (specifier.startsWith('.'))
    return leavesPackage(from, file, specifier) ? `imports ${specifier} of another package by its path` : null;
  const name = packageName(specifier);
  if (!name.startsWith('@weir/')) return null;
  if (name === from.name) {
    // A test of the examples in a README imports what a user would.
    return specifier === `${name}/package.json` || isTestCode(file)
      ? null
      : 'imports its own package by name: import the file';
  }
  if (!isExported(packages, specifier)) return `imports ${specifier}: only what ${name} exports is its interface`;
  const { may, typesOf } = allowanceOf(from);
  if (isTestCode(file) && forTests.test(name)) return null;
  if (!may.test(name)) return `imports ${name}, which the dependency rule forbids to ${from.name}`;
  if (typesOf?.test(name) === true && !typeOnly && !isTestCode(file)) return `imports more than types of ${name}`;
  return null;
}

function isExported(packages: readonly Package[], specifier: string): boolean {
  const name = packageName(specifier);
  if (name === specifier) return true;
  const target = packages.find((each) => each.name === name);
  return target?.manifest.exports?.[`.${specifier.slice(name.length)}`] !== undefined;
}

function leavesPackage(from: Package, file: string, specifier: string): boolean {
  const url = new URL(specifier, `file:///${file}`).pathname;
  return !url.startsWith(`/${from.folder}/`);
}

/** The workspace's tools (vitest, typescript, …) are declared once, at the root, for tests and what is not published. */
function undeclared(from: Package, file: string, { specifier }: Import, rootTools: readonly string[]): string | null {
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return null;
  const name = packageName(specifier);
  if (name === from.name) return null;
  const unpublished = isTestCode(file) || from.manifest.private === true;
  const declared = isTestCode(file) ? allDependencies(from) : runtimeDependencies(from);
  if (name in declared || (unpublished && rootTools.includes(name))) return null;
  return `imports ${name}, which ${from.folder}/package.json does not declare${isTestCode(file) ? '' : ' in dependencies'}`;
}

function unusedDeclarations(packages: readonly Package[], used: ReadonlyMap<string, ReadonlySet<string>>): Finding[] {
  return packages.flatMap(({ folder, name, manifest }) =>
    Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })
      .filter((declared) => !used.get(name)!.has(declared))
      .map((declared) => ({
        file: `${folder}/package.json`,
        message: `declares ${declared}, which nothing in src imports`,
      })),
  );
}

/** Packages that need each other, if only for tests, cannot be built one after the other. */
function packageCycles(packages: readonly Package[]): Finding[] {
  const graph = new Map(
    packages.map((each) => [each.name, Object.keys(allDependencies(each)).filter((name) => name.startsWith('@weir/'))]),
  );
  return findCycles(graph).map((cycle) => ({
    file: 'package.json',
    message: `packages need each other: ${[...cycle, cycle[0]].join(' → ')}`,
  }));
}

/** An edge of the project graph that Nx sees. */
export interface ProjectEdge {
  readonly source: string;
  readonly target: string;
}

/** What Nx believes about the workspace agrees with what the packages declare; else it builds in a wrong order. */
export function checkProjectGraph(files: Files, edges: readonly ProjectEdge[]): Finding[] {
  const packages = readPackages(files);
  const declared = packages.flatMap((each) =>
    Object.keys(allDependencies(each))
      .filter((name) => name.startsWith('@weir/'))
      .map((name) => `${each.name} → ${name}`),
  );
  const seen = new Set(
    edges.filter(({ target }) => target.startsWith('@weir/')).map(({ source, target }) => `${source} → ${target}`),
  );
  return [
    ...[...seen]
      .filter((edge) => !declared.includes(edge))
      .map((edge) => ({ file: 'nx.json', message: `Nx sees ${edge}, which no package.json declares` })),
    ...declared.filter((edge) => !seen.has(edge)).map((edge) => ({ file: 'nx.json', message: `Nx does not see ${edge}` })),
  ];
}
