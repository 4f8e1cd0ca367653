import type { Finding } from './finding.ts';
import { allDependencies, readPackages, type Manifest, type Package } from './manifests.ts';
import type { Files } from './workspace-files.ts';

const conditions = ['@weir/source', 'types', 'default'];
const exact = /^(?:npm:@?[\w./-]+@)?\d+\.\d+\.\d+(?:-[\w.-]+)?$/;

/** Every package says what it is, is exported alike, and takes the same exact versions as the others. */
export function checkManifests(files: Files): Finding[] {
  const root = JSON.parse(files.get('package.json') ?? '{}') as Manifest;
  const packages = readPackages(files);
  const findings = packages.flatMap((each) => [
    ...descriptionFindings(files, each),
    ...exportFindings(files, each),
    ...ownVersions(root, each),
  ]);
  return [...findings, ...externalVersions(root, packages)];
}

function descriptionFindings(files: Files, { folder, name, manifest }: Package): Finding[] {
  const file = `${folder}/package.json`;
  const findings: Finding[] = [];
  const demand = (holds: boolean, message: string): void => {
    if (!holds) findings.push({ file, message });
  };
  demand(/^@weir\/[a-z0-9-]+$/.test(name), 'has no name of the form @weir/name');
  demand((manifest.description ?? '').length > 10, 'has no description');
  demand(manifest.license === 'Apache-2.0', 'has not the licence Apache-2.0');
  demand(manifest.type === 'module', 'is not of type module');
  demand(manifest.engines?.['node'] === '>=24', 'has not engines.node >=24');
  demand((files.get(`${folder}/README.md`) ?? '').trim().length > 100, 'has no README.md that says what the package is');
  return findings;
}

function exportFindings(files: Files, { folder, manifest }: Package): Finding[] {
  const file = `${folder}/package.json`;
  // Examples are programs: nobody imports them.
  if (folder === 'examples') return [];
  if (manifest.exports?.['.'] === undefined) return [{ file, message: 'exports nothing as "."' }];
  return Object.entries(manifest.exports).flatMap(([name, target]) => {
    if (typeof target === 'string')
      return name === './package.json' ? [] : [{ file, message: `exports ${name} without conditions` }];
    if (Object.keys(target).join() !== conditions.join()) {
      return [
        {
          file,
          message: `exports ${name} with the conditions ${Object.keys(target).join()}: they are, in order, ${conditions.join()}`,
        },
      ];
    }
    const source = `${folder}/${target['@weir/source']!.replace('./', '')}`;
    return files.has(source) ? [] : [{ file, message: `exports ${name} from ${source}, which is not there` }];
  });
}

function ownVersions(root: Manifest, each: Package): Finding[] {
  const file = `${each.folder}/package.json`;
  const findings: Finding[] = [];
  if (each.manifest.version !== root.version) {
    findings.push({
      file,
      message: `has version ${each.manifest.version}, the workspace ${root.version}: all packages share one`,
    });
  }
  for (const [name, version] of Object.entries(allDependencies(each))) {
    if (name.startsWith('@weir/') && version !== root.version)
      findings.push({ file, message: `takes ${name} ${version} instead of ${root.version}` });
  }
  return findings;
}

function externalVersions(root: Manifest, packages: readonly Package[]): Finding[] {
  const findings: Finding[] = [];
  const seen = new Map<string, { version: string; file: string }>();
  for (const each of [{ folder: '', name: root.name, manifest: root }, ...packages]) {
    const file = each.folder === '' ? 'package.json' : `${each.folder}/package.json`;
    for (const [name, version] of Object.entries(allDependencies(each))) {
      if (name.startsWith('@weir/')) continue;
      if (!exact.test(version)) findings.push({ file, message: `takes ${name} ${version}: pin the exact version` });
      const first = seen.get(name) ?? { version, file };
      seen.set(name, first);
      if (first.version !== version)
        findings.push({ file, message: `takes ${name} ${version}, but ${first.file} takes ${first.version}` });
    }
  }
  return findings;
}
