import { WeirError, tableName, type ErrorCode } from '@weir/sdk';
import { serverError } from '@weir/postgres';
import type { Doing as SqlDoing, NamedColumn } from '@weir/sql-sink';
import pg from 'pg';

/** What a statement was for: what an error about it may say. */
export interface Doing extends SqlDoing {
  /** What an error means that a statement is written to make; null for others. */
  readonly explain?: ((error: pg.DatabaseError) => WeirError | null) | undefined;
}

/**
 * What the server answered while Weir wrote, as a coded error. The value of a row is in no part of it (invariant 10):
 * neither DETAIL nor the context line is shown, nor a message of a kind that quotes values.
 */
export function sinkError(error: unknown, at: Doing): WeirError {
  if (error instanceof WeirError) return error;
  if (!(error instanceof pg.DatabaseError)) return serverError(error, at.doing);
  const explained = at.explain?.(error) ?? null;
  if (explained !== null) return explained;
  const { code = '' } = error;
  const known = byCode(code, error, at);
  if (known === null) return withTable(serverError(error, at.doing), at);
  return new WeirError(known.code, `${at.doing}: ${known.message}`, { table: at.table && tableName(at.table) });
}

interface Known {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Errors of these classes quote the value: data exceptions, and an index entry that is too large. */
const VALUE_CODES = /^22|^54000$/;

function byCode(code: string, error: pg.DatabaseError, at: Doing): Known | null {
  if (VALUE_CODES.test(code)) return { code: 'WEIR_PG_VALUE', message: valueMessage(error, at) };
  switch (code) {
    case '23505':
      return duplicate(error, at);
    case '23P01':
      return { code: 'WEIR_SINK_UNIQUE_INDEX', message: `rows of the source violate ${error.constraint ?? 'a constraint'}` };
    case '23502':
      return notNull(error, at);
    case '23503':
    case '23514':
      return { code: 'WEIR_PG_CONSTRAINT', message: `rows of the source violate ${error.constraint ?? 'a constraint'}` };
    case 'P0001':
      return { code: 'WEIR_PG_CONSTRAINT', message: 'a trigger refused it' };
    case '42P01':
    case '42703':
    case '42804':
    case '3F000':
      return { code: 'WEIR_PG_DIVERGED', message: error.message };
    case '2BP01':
    case '0A000':
      return { code: 'WEIR_PG_DEPENDENT', message: error.message };
    case '42501':
      return { code: 'WEIR_PG_GRANT_WRITE', message: error.message };
    case '25006':
      return { code: 'WEIR_PG_READ_ONLY', message: error.message };
    case '55P03':
      return { code: 'WEIR_PG_LOCKED', message: error.message };
    case '25P03':
    case '57P05':
      return { code: 'WEIR_PG_CONNECTION_LOST', message: error.message };
    default:
      return null;
  }
}

function duplicate(error: pg.DatabaseError, at: Doing): Known {
  const index = error.constraint ?? 'a unique index';
  if (error.constraint !== undefined && error.constraint !== at.keyIndex) {
    return { code: 'WEIR_SINK_UNIQUE_INDEX', message: `rows of the source are no different to ${index}` };
  }
  return { code: 'WEIR_PG_DIVERGED', message: `rows to insert are there already, by ${index}` };
}

function notNull(error: pg.DatabaseError, at: Doing): Known {
  const name = error.column ?? '';
  const own = at.columns?.find((column) => column.name === name);
  if (own !== undefined) return { code: 'WEIR_PG_VALUE', message: `column ${own.column} is NULL and must not be` };
  return { code: 'WEIR_SINK_COLUMN_REQUIRED', message: `column ${name} must not be NULL and the source does not have it` };
}

/** Where the value did not fit; the server tells the column of a COPY in its context line, in front of the value. */
function valueMessage(error: pg.DatabaseError, at: Doing): string {
  const where = error.where ?? '';
  let found: NamedColumn | null = null;
  let first = Infinity;
  for (const column of at.columns ?? []) {
    const place = where.indexOf(`, column ${column.name}`);
    const longer = place === first && found !== null && column.name.length > found.name.length;
    if (place < 0 || (place >= first && !longer)) continue;
    found = column;
    first = place;
  }
  if (error.code === '22021') return `${at.findNotUtf8?.() ?? 'a column'}: a text is not UTF-8`;
  if (error.code === '54000') return 'a key is too long for the index on it';
  return found === null ? 'a value does not fit its column' : `${found.column}: a value does not fit ${found.sqlType}`;
}

function withTable(error: WeirError, at: Doing): WeirError {
  // Whatever ends the connection is about no table.
  if (at.table === undefined || error.code === 'WEIR_PG_CONNECTION_LOST') return error;
  return new WeirError(error.code, error.message, { fix: error.fix, table: tableName(at.table), cause: error.cause });
}
