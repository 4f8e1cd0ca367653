import type { MysqlClient } from './client.ts';
import { query } from './query.ts';

/** Which of the two servers it is, and its version. */
export interface ServerVersion {
  readonly flavour: 'mysql' | 'mariadb';
  /** `[8, 0, 36]` */
  readonly numbers: readonly [number, number, number];
  /** As the server prints it. */
  readonly text: string;
}

/** Asks the server what it is. MariaDB says so in its version: `11.8.2-MariaDB`. */
export async function serverVersion(client: MysqlClient): Promise<ServerVersion> {
  const [row] = await query(client, 'SELECT VERSION()');
  return parseVersion(row![0]!);
}

/** @param text what VERSION() answers; an older MariaDB may print `5.5.5-` in front */
export function parseVersion(text: string): ServerVersion {
  const [, major = '0', minor = '0', patch = '0'] = /(\d+)\.(\d+)\.(\d+)/.exec(text.replace(/^5\.5\.5-/, '')) ?? [];
  return {
    flavour: /mariadb/i.test(text) ? 'mariadb' : 'mysql',
    numbers: [Number(major), Number(minor), Number(patch)],
    text,
  };
}

/** Whether a version is as new as another, or newer. */
export function isAtLeast({ numbers }: Pick<ServerVersion, 'numbers'>, ...wanted: readonly [number, number, number]): boolean {
  for (let part = 0; part < wanted.length; part++) {
    if (numbers[part] !== wanted[part]) return numbers[part]! > wanted[part]!;
  }
  return true;
}
