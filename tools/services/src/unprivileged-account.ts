import { readFileSync } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Ids of an account that is not root; PostgreSQL refuses to run as root. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

const FALLBACK: Account = { uid: 65534, gid: 65534 };

/** The ids of `nobody`; 65534 where /etc/passwd does not know it. */
export function nobody(): Account {
  let passwd = '';
  try {
    passwd = readFileSync('/etc/passwd', 'utf8');
  } catch {
    return FALLBACK;
  }
  const match = /^nobody:[^:]*:(-?\d+):(-?\d+):/m.exec(passwd);
  // macOS writes -2; a file's owner shows as the same bits without the sign.
  return match ? { uid: Number(match[1]) >>> 0, gid: Number(match[2]) >>> 0 } : FALLBACK;
}

/** True when this process is root and so has to start servers as somebody else. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

const READ = 4;
/** Of a folder: to pass through it. Of a file: to run it. */
const SEARCH = 1;

/** @param wanted permission bits of one class, for example READ | SEARCH */
function permits(file: { uid: number; gid: number; mode: number }, account: Account, wanted: number): boolean {
  const shift = file.uid === account.uid ? 6 : file.gid === account.gid ? 3 : 0;
  return ((file.mode >> shift) & wanted) === wanted;
}

/** True when `account` may pass through every folder above `path`, which need not exist itself. */
export async function reachable(path: string, account: Account): Promise<boolean> {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (!permits(await stat(folder), account, SEARCH)) return false;
    if (folder === dirname(folder)) return true;
  }
}

/** True when `account` may read everything below `folder`: not so in a clone made with umask 077. */
export async function readable(folder: string, account: Account): Promise<boolean> {
  if (!(await reachable(folder, account)) || !permits(await stat(folder), account, READ | SEARCH)) return false;
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isSymbolicLink()) continue;
    const file = await lstat(join(entry.parentPath, entry.name));
    if (!permits(file, account, (file.mode & 0o100) === 0 ? READ : READ | SEARCH)) return false;
  }
  return true;
}
