import type { Finding } from './finding.ts';

/** The part of package-lock.json (version 3) that the checks read. */
export interface Lockfile {
  packages: Record<string, LockedPackage>;
}

interface LockedPackage {
  /** The package behind an alias. */
  readonly name?: string;
  readonly version?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly peer?: boolean;
  readonly optional?: boolean;
  readonly license?: string;
  readonly hasInstallScript?: boolean;
  readonly cpu?: readonly string[];
  readonly os?: readonly string[];
  readonly libc?: readonly string[];
  readonly engines?: unknown;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** An optional dependency without an entry of its own. */
interface MissingEntry {
  readonly name: string;
  readonly version: string;
  readonly wantedBy: LockedPackage;
}

const FILE = 'package-lock.json';
const platforms = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const processors = ['arm', 'arm64', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];

/** The lockfile names no host, and `npm ci` accepts it on every machine. */
export function checkLockfile(text: string): Finding[] {
  const lock = JSON.parse(text) as Lockfile;
  const hosts = Object.entries(lock.packages)
    .filter(([, { resolved }]) => resolved?.includes('://') === true)
    .map(([path]) => ({ file: FILE, message: `${path} is resolved to a host; .npmrc keeps such addresses out` }));
  const missing = missingEntries(lock).map(({ name }) => ({
    file: FILE,
    message: `has no entry for the optional ${name}, so npm ci refuses it: run \`npm run lockfile\``,
  }));
  return [...hosts, ...missing];
}

/**
 * Adds the entries that npm leaves out of a lockfile when a registry does not serve the packages of every platform: `npm ci`
 * insists on them all, though it installs only those of its own. Their version is the one that their parent demands; the
 * platform is in their name. They have no checksum, because nothing was downloaded to make one.
 */
export function completeLockfile(lock: Lockfile): string[] {
  const missing = missingEntries(lock);
  for (const { name, version, wantedBy } of missing)
    lock.packages[`node_modules/${name}`] = entryFor(name, version, wantedBy, siblingOf(lock, name));
  lock.packages = Object.fromEntries(Object.entries(lock.packages).toSorted(([a], [b]) => a.localeCompare(b, 'en')));
  return missing.map(({ name }) => name);
}

/** The same package for another platform, which has the same licence and needs the same Node. */
function siblingOf({ packages }: Lockfile, name: string): LockedPackage | undefined {
  const scope = /^@[^/]+\//.exec(name)?.[0];
  const path = Object.keys(packages).find((each) => scope !== undefined && each.startsWith(`node_modules/${scope}`));
  return path === undefined ? undefined : packages[path];
}

function entryFor(name: string, wanted: string, wantedBy: LockedPackage, sibling = wantedBy): LockedPackage {
  const parts = name.split(/[/-]/);
  const os = parts.find((part) => platforms.includes(part));
  const cpu = parts.find((part) => processors.includes(part));
  if (os === undefined || cpu === undefined)
    throw new Error(`${name} does not say for which platform it is; add it to the lockfile by hand`);
  const libc = parts.some((part) => part.startsWith('musl'))
    ? 'musl'
    : parts.some((part) => part.startsWith('gnu'))
      ? 'glibc'
      : null;
  const alias = /^npm:(.+)@([^@]+)$/.exec(wanted);
  return {
    ...(alias === null ? {} : { name: alias[1]! }),
    version: alias?.[2] ?? wanted,
    cpu: [cpu],
    ...(wantedBy.dev === true ? { dev: true } : {}),
    ...(os === 'linux' && libc !== null ? { libc: [libc] } : {}),
    ...(sibling.hasInstallScript === true ? { hasInstallScript: true } : {}),
    ...(sibling.license === undefined ? {} : { license: sibling.license }),
    optional: true,
    os: [os],
    ...(sibling.engines === undefined ? {} : { engines: sibling.engines }),
    ...(wantedBy.peer === true ? { peer: true } : {}),
  };
}

function missingEntries({ packages }: Lockfile): MissingEntry[] {
  const missing: MissingEntry[] = [];
  for (const [path, wantedBy] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(wantedBy.optionalDependencies ?? {})) {
      if (!isLocked(packages, path, name)) missing.push({ name, version, wantedBy });
    }
  }
  return missing;
}

/** Looks where Node looks: in node_modules of the package, of the one around it, up to the root. */
function isLocked(packages: Lockfile['packages'], from: string, name: string): boolean {
  for (let folder = from; ;) {
    if (packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`] !== undefined) return true;
    if (folder === '') return false;
    const above = folder.lastIndexOf('/node_modules/');
    folder = above === -1 ? '' : folder.slice(0, above);
  }
}
