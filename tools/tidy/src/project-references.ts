import { posix } from 'node:path';
import type { Finding } from './finding.ts';
import { allDependencies, packageName, packageOf, readPackages, runtimeDependencies, type Package } from './manifests.ts';
import { codeFiles, importsOf, isTestCode } from './syntax.ts';
import type { Files } from './workspace-files.ts';

/** Files that are only for tests: the spec project checks them, the library leaves them out. */
const testCode = [
  'src/**/*.test.ts',
  'src/**/*.contract.ts',
  'src/**/*.fake.ts',
  'src/**/*.bench.ts',
  'src/testing/**/*.ts',
];

interface TypeScriptProject {
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly references?: readonly { readonly path: string }[];
}

type Project = Omit<TypeScriptProject, 'references'> & { readonly references: readonly string[] };

/**
 * The references of each tsconfig are those that its package.json asks for: `tsc -b` builds in this order, and a missing one
 * shows only on a machine where nothing is built yet.
 */
export function checkProjectReferences(files: Files): Finding[] {
  const packages = readPackages(files);
  const byName = new Map(packages.map((each) => [each.name, `${each.folder}/tsconfig.lib.json`]));
  const libraries = (names: Iterable<string>): string[] => [...names].flatMap((name) => byName.get(name) ?? []);
  const imported = importedByTests(files, packages);
  const findings = compare(
    files,
    'tsconfig.json',
    packages.map(({ folder }) => folder),
  );
  for (const each of packages) {
    const { folder, name } = each;
    const library = `${folder}/tsconfig.lib.json`;
    const spec = `${folder}/tsconfig.spec.json`;
    const throughLibrary = readProject(files, library)?.references ?? [];
    const needed = libraries(imported.get(name)!).filter((path) => path !== library && !throughLibrary.includes(path));
    findings.push(
      ...compare(files, `${folder}/tsconfig.json`, [library, spec]),
      ...compare(files, library, libraries(Object.keys(runtimeDependencies(each)))),
      ...compare(files, spec, [library, ...needed], libraries(Object.keys(allDependencies(each)))),
      ...division(files, library, spec),
    );
  }
  return findings;
}

function compare(files: Files, file: string, needed: readonly string[], allowed: readonly string[] = []): Finding[] {
  const found = readProject(files, file)?.references;
  if (found === undefined) return [{ file, message: 'is missing' }];
  const missing = needed.filter((path) => !found.includes(path));
  const idle = found.filter((path) => !needed.includes(path) && !allowed.includes(path));
  return [
    ...missing.map((path) => ({ file, message: `does not reference ${path}` })),
    ...idle.map((path) => ({ file, message: `references ${path}, which it does not need` })),
  ];
}

/** No file is checked by both projects, none by neither. */
function division(files: Files, library: string, spec: string): Finding[] {
  const findings: Finding[] = [];
  if (readProject(files, library)?.exclude?.join() !== testCode.join())
    findings.push({ file: library, message: `does not exclude ${testCode.join(', ')}` });
  if (readProject(files, spec)?.include?.join() !== testCode.join())
    findings.push({ file: spec, message: `does not include ${testCode.join(', ')}` });
  return findings;
}

/** A tsconfig with its references as paths from the root; a folder stands for its tsconfig.json. */
function readProject(files: Files, file: string): Project | null {
  const text = files.get(file);
  if (text === undefined) return null;
  const project = JSON.parse(text) as TypeScriptProject;
  const references = (project.references ?? []).map(({ path }) =>
    posix.join(posix.dirname(file), path).replace(/\/tsconfig\.json$/, ''),
  );
  return { ...project, references };
}

function importedByTests(files: Files, packages: readonly Package[]): Map<string, Set<string>> {
  const imported = new Map<string, Set<string>>(packages.map(({ name }) => [name, new Set()]));
  for (const [file, source] of codeFiles(files)) {
    const from = packageOf(packages, file);
    if (from === undefined || !isTestCode(file)) continue;
    for (const { specifier } of importsOf(source)) imported.get(from.name)!.add(packageName(specifier));
  }
  return imported;
}
