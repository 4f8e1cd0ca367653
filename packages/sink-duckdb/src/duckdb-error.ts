import { toWeirError, WeirError } from '@weir/sdk';

/** Kinds of errors whose quoted parts can be values of rows. */
const QUOTES_VALUES = /^(?:Failed to append: )?(Conversion|Constraint|Out of Range|Invalid Input|Mismatch Type|Serialization|Parser)/;

/** Also within the answer of a database that DuckDB has given up because of it. */
const SYNC_FAILED = /fsync failed|could not (?:sync|fsync|flush)/i;

/** Also within the answer of a database that could not put its log in its place because of it. */
const NO_MEMORY = /Out of Memory Error|could not allocate block|failed to (?:pin|allocate|reserve)\b.*\(\S+ \S+\/\S+ \S+ used\)/i;

/**
 * What DuckDB threw while Weir wrote, as an error that is tried again: a full disk, a conflict with another transaction.
 * Only a sync that failed is not: the system may have forgotten what it did not write, and the next sync, or a file that is
 * opened again and read from memory, would call durable what is not on the disk (invariant 1).
 * No value of a row is in its text (invariant 10): the statement that DuckDB repeats is cut, and quotes in errors of kinds
 * that quote values.
 */
export function writeError(error: unknown, doing: string): WeirError {
  if (error instanceof WeirError) return error;
  const message = messageOf(error);
  const known = SYNC_FAILED.test(message) ? 'WEIR_DUCKDB_SYNC' : NO_MEMORY.test(message) ? 'WEIR_DUCKDB_MEMORY' : null;
  const code = known ?? 'WEIR_DUCKDB_QUERY';
  return new WeirError(code, `${doing}: ${withoutValues(message)}`);
}

/** Whatever ended a session: DuckDB throws plain errors, and only a mistake in the code is of another class. */
export function sessionError(error: unknown): WeirError {
  const isDuckdb = error instanceof Error && error.constructor === Error;
  return isDuckdb ? writeError(error, 'writing') : toWeirError(error);
}

/** True when DuckDB refused a change because another transaction had changed the same row. */
export function isConflict(error: unknown): boolean {
  return /^(TransactionContext|Transaction) Error:.*conflict/i.test(messageOf(error));
}

/** True when a table cannot be made since a table or a view has its name. */
export function isTaken(error: unknown): boolean {
  return /Catalog Error: \w+ with name .* already exists/.test(messageOf(error));
}

/** True when DuckDB would need more memory than it may take. */
export function lacksMemory(error: unknown): boolean {
  return NO_MEMORY.test(messageOf(error));
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function withoutValues(message: string): string {
  const line = message.split('\n', 1)[0]!;
  if (!QUOTES_VALUES.test(line)) return line;
  return line.replace(/'[^']*'?|"[^"]*"?/g, '…');
}

const LOCKED = /Could not set lock on file.*?: (Conflicting lock is held in .*?)(?:\. See also|$)/s;

/** Opening a file writes to it: what stands in its log is put in its place. */
const NO_ROOM = /No space left on device|Disk quota exceeded/i;

/** What DuckDB threw while opening a file. Only for want of room or memory it is tried again. */
export function openError(error: unknown, path: string): WeirError {
  const message = messageOf(error).split('\n', 1)[0]!;
  const holder = LOCKED.exec(message)?.[1];
  if (holder !== undefined || message.includes('Could not set lock')) {
    return new WeirError('WEIR_DUCKDB_LOCKED', `${path} is open in another process: ${holder ?? message}`, { path: 'path' });
  }
  if (NO_MEMORY.test(message)) return new WeirError('WEIR_DUCKDB_MEMORY', `${path} does not open: ${message}`, { path: 'memory_limit' });
  if (NO_ROOM.test(message)) return new WeirError('WEIR_DUCKDB_QUERY', `${path} does not open: ${message}`);
  return new WeirError('WEIR_DUCKDB_OPEN', `${path} does not open: ${message}`, { path: 'path' });
}
