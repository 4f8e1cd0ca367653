import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Secret, WeirError } from '@weir/sdk';

/** What a line of a password file is chosen by. */
export interface PasswordEntry {
  /** For a Unix socket its folder; a line for `localhost` counts as well. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/** Others than the owner. */
const GROUP_AND_OTHERS = 0o077;

/**
 * The password of the first line that fits: https://www.postgresql.org/docs/current/libpq-pgpass.html. The package `pgpass`
 * is not used: it reads only the file that the environment names, passes over lines of less than 11 characters, and prints to
 * standard error where a coded error is wanted.
 * @param file null: `PGPASSFILE` or `~/.pgpass`
 * @returns null when no file or no line of it fits
 * @throws WeirError WEIR_PG_PASSFILE when others may read the file, or nobody can
 */
export async function passwordFromFile(file: string | null, entry: PasswordEntry): Promise<Secret | null> {
  const path = file ?? process.env['PGPASSFILE'] ?? join(homedir(), '.pgpass');
  const found = await stat(path).catch(() => null);
  if (found === null && file === null) return null;
  if (found === null || !found.isFile()) throw refused(path, 'is not there, or no file', 'Correct passfile.');
  if ((found.mode & GROUP_AND_OTHERS) !== 0) throw refused(path, 'may be read by others', `chmod 600 ${path}`);
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) throw refused(path, 'cannot be read', 'Make it readable for the user that Weir runs as, and only for it.');
  return passwordIn(text, entry);
}

/** @returns null when no line fits */
export function passwordIn(text: string, { host, port, database, user }: PasswordEntry): Secret | null {
  const hosts = host.startsWith('/') ? [host, 'localhost'] : [host];
  const wanted = [hosts, [String(port)], [database], [user]];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const fields = splitLine(line);
    if (fields.length < 5 || fields[4] === '') continue;
    if (wanted.every((values, index) => fields[index] === '*' || values.includes(unescape(fields[index]!)))) {
      return new Secret(unescape(fields[4]!));
    }
  }
  return null;
}

/** At each colon that no backslash stands in front of; the password ends at the fifth. */
function splitLine(line: string): string[] {
  const fields = [''];
  for (let index = 0; index < line.length; index++) {
    if (line[index] === ':') fields.push('');
    else fields.push(fields.pop()! + (line[index] === '\\' ? line.slice(index, ++index + 1) : line[index]!));
  }
  return fields.slice(0, 5);
}

function unescape(field: string): string {
  return field.replace(/\\(.)/g, '$1');
}

function refused(file: string, what: string, fix: string): WeirError {
  return new WeirError('WEIR_PG_PASSFILE', `password file ${file} ${what}`, { fix, path: 'url' });
}
