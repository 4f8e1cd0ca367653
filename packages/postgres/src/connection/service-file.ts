import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { WeirError } from '@weir/sdk';
import { addKeyword, type Keywords } from './keywords.ts';

/**
 * What a section of the service file says. As in libpq the user's file is `PGSERVICEFILE` or `~/.pg_service.conf`, and
 * behind it `pg_service.conf` in `PGSYSCONFDIR`: https://www.postgresql.org/docs/current/libpq-pgservice.html
 * @throws WeirError WEIR_CONFIG_INVALID
 */
export async function readService(service: string, path: string): Promise<Keywords> {
  const files = serviceFiles();
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => null);
    const found = text === null ? null : parseService(text, service, { file, path });
    if (found !== null) return found;
  }
  throw new WeirError('WEIR_CONFIG_INVALID', `service ${service} is in no service file: ${files.join(', ')}`, {
    path,
    fix: `Write a section [${service}] there, or name the file with the environment variable PGSERVICEFILE.`,
  });
}

function serviceFiles(): string[] {
  const { PGSERVICEFILE, PGSYSCONFDIR } = process.env;
  const own = PGSERVICEFILE ?? join(homedir(), '.pg_service.conf');
  return PGSYSCONFDIR === undefined ? [own] : [own, join(PGSYSCONFDIR, 'pg_service.conf')];
}

/** Null when the file has no such section. A value is the rest of its line, also with blanks and quotes in it. */
export function parseService(text: string, service: string, at: { file: string; path: string }): Keywords | null {
  let found: Keywords | null = null;
  let inside = false;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('[')) {
      // A second section of the name does not count, as in libpq.
      if (found !== null) break;
      inside = line === `[${service}]`;
      if (inside) found = new Map();
      continue;
    }
    if (!inside) continue;
    const where = `line ${index + 1} of ${at.file}`;
    const [, name, value] = /^([a-z_]+)=(.*)$/.exec(line) ?? refuse(where, at.path);
    if (name === 'service') refuse(where, at.path);
    addKeyword(found!, name!, value!, where, at.path);
  }
  return found;
}

function refuse(where: string, path: string): never {
  throw new WeirError('WEIR_CONFIG_INVALID', `${where} is none that a service can have`, {
    path,
    fix: 'Write keyword=value, without blanks around the =; a service names no other service and no LDAP server.',
  });
}
