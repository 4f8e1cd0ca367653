import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Where Debian's packages put the programs of each version. */
const FOLDER = '/usr/lib/postgresql';

/**
 * A program of PostgreSQL's client package: the newest that the system has.
 * @param log told when there is none
 * @returns its path; null without one
 */
export function clientProgram(name: string, log: (line: string) => void): string | null {
  const versions = existsSync(FOLDER) ? readdirSync(FOLDER).toSorted((a, b) => Number(b) - Number(a)) : [];
  const found = versions.map((version) => join(FOLDER, version, 'bin', name)).find((path) => existsSync(path));
  if (found === undefined) log(`without ${name}, which is not installed: apt-get install postgresql-client`);
  return found ?? null;
}
