import { WeirError, type ErrorCode } from '@weir/sdk';

/** Primary result codes of SQLite, see https://sqlite.org/rescode.html. */
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;

const FULL_DISK = ['ENOSPC', 'EDQUOT', 'EIO', 'EFBIG'];
const DAMAGED_FIX =
  'Restore the state directory from a backup, or move it away and let Weir copy again from scratch.';

/** The primary result code of an error of node:sqlite; null for any other error. */
function sqliteCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return null;
  return error.errcode & 0xff;
}

/** True when another connection holds the file. */
export function isLocked(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === SQLITE_BUSY || code === SQLITE_LOCKED;
}

/** An error of the file system or of SQLite while the state file at `path` is opened. */
export function openError(error: unknown, path: string): WeirError {
  if (error instanceof WeirError) return error;
  if (isLocked(error)) return new WeirError('WEIR_STORE_LOCKED', `${path} is in use`, { cause: error });
  return stateError('WEIR_STORE_OPEN', `cannot open ${path}`, error);
}

/** An error of SQLite while the open state file at `path` is read or written. */
export function useError(error: unknown, path: string): WeirError {
  return stateError('WEIR_STORE_WRITE', `cannot read or write ${path}`, error);
}

function stateError(otherwise: ErrorCode, what: string, error: unknown): WeirError {
  const message = `${what}: ${error instanceof Error ? error.message : String(error)}`;
  const code = sqliteCode(error);
  if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB) {
    return new WeirError('WEIR_STORE_OPEN', message, { cause: error, fix: DAMAGED_FIX });
  }
  if (code === SQLITE_FULL || code === SQLITE_IOERR || isFullDisk(error)) {
    return new WeirError('WEIR_STORE_WRITE', message, { cause: error });
  }
  return new WeirError(otherwise, message, { cause: error });
}

function isFullDisk(error: unknown): boolean {
  return error instanceof Error && 'code' in error && FULL_DISK.includes(String(error.code));
}
