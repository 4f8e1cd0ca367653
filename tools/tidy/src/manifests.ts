import type { Files } from './workspace-files.ts';

type Versions = Readonly<Record<string, string>>;

/** What the checks read of a package.json. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  readonly license?: string;
  readonly private?: boolean;
  readonly type?: string;
  readonly engines?: Versions;
  readonly exports?: Readonly<Record<string, string | Versions>>;
  readonly dependencies?: Versions;
  readonly devDependencies?: Versions;
  readonly optionalDependencies?: Versions;
  readonly peerDependencies?: Versions;
}

/** A package of the workspace. */
export interface Package {
  /** `packages/sdk`. */
  readonly folder: string;
  readonly name: string;
  readonly manifest: Manifest;
}

/** The packages of the workspace, by folder. */
export function readPackages(files: Files): Package[] {
  return [...files]
    .filter(([file]) => /^(?:examples|(?:packages|apps|tools)\/[^/]+)\/package\.json$/.test(file))
    .map(([file, text]) => {
      const manifest = JSON.parse(text) as Manifest;
      return { folder: file.replace('/package.json', ''), name: manifest.name, manifest };
    });
}

/** Names that a package's code may import when it is used: not those for its development only. */
export function runtimeDependencies({ manifest }: Package): Versions {
  return { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.peerDependencies };
}

export function allDependencies(from: Package): Versions {
  return { ...runtimeDependencies(from), ...from.manifest.devDependencies };
}

/** The package that a file belongs to. */
export function packageOf(packages: readonly Package[], file: string): Package | undefined {
  return packages.find(({ folder }) => file.startsWith(`${folder}/`));
}

/** `@weir/sdk` of `@weir/sdk/x`, `pg` of `pg/lib/y`. */
export function packageName(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}
