import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const SOCKET = 'weir.sock';
/** Holds the socket's path when the state directory's own is too long. */
const POINTER = 'weir.sock.path';
/** The kernel's limit is 108 bytes on Linux and 104 on macOS, the final zero included. */
const MAX_PATH_BYTES = 100;

/**
 * The path for a new socket of this state directory, free to listen on. Only the holder of the store's lock may call it:
 * a socket that is there is then one of a dead process.
 */
export function claimSocketPath(stateDirectory: string): string {
  const own = join(resolve(stateDirectory), SOCKET);
  const pointer = join(stateDirectory, POINTER);
  const fits = Buffer.byteLength(own) <= MAX_PATH_BYTES;
  const path = fits ? own : join(tmpdir(), `weir-${createHash('sha256').update(own).digest('hex').slice(0, 16)}.sock`);
  rmSync(path, { force: true });
  if (fits) rmSync(pointer, { force: true });
  else writeFileSync(pointer, `${path}\n`, { mode: 0o600 });
  return path;
}

/** Takes away the socket and what points to it. */
export function releaseSocketPath(stateDirectory: string, path: string): void {
  rmSync(path, { force: true });
  rmSync(join(stateDirectory, POINTER), { force: true });
}

/** The socket of the process that runs with this state directory; null when there is none that is ours. */
export function findSocketPath(stateDirectory: string): string | null {
  const pointer = join(stateDirectory, POINTER);
  const path = existsSync(pointer) ? readFileSync(pointer, 'utf8').trim() : join(resolve(stateDirectory), SOCKET);
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || !found.isSocket()) return null;
  const user = process.getuid?.();
  // In a shared folder for temporary files somebody else may have put a socket of that name; root may ask everybody's.
  return user === undefined || user === 0 || found.uid === user ? path : null;
}
