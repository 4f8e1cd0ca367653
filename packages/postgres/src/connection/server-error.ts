import { WeirError, type ErrorCode } from '@weir/sdk';
import pg from 'pg';

const QUERY_CODES: Record<string, ErrorCode> = {
  '55006': 'WEIR_PG_SLOT_IN_USE',
  '55P03': 'WEIR_PG_LOCKED',
  '53400': 'WEIR_PG_SLOTS_FULL',
  '57P01': 'WEIR_PG_CONNECTION_LOST',
  '57P02': 'WEIR_PG_CONNECTION_LOST',
  '57P03': 'WEIR_PG_CONNECTION_LOST',
  '42501': 'WEIR_PG_GRANT_SELECT',
  '55000': 'WEIR_PG_SLOT_INVALIDATED',
  '58P01': 'WEIR_PG_SLOT_LOST',
};

/**
 * What the server answered to a statement, as a coded error. Its DETAIL line is left out, also as part of the cause: it may
 * hold row values (invariant 10).
 */
export function serverError(error: unknown, doing: string): WeirError {
  if (error instanceof WeirError) return error;
  const { code = '', message } = error as { code?: string; message: string };
  const lost = code === '' || /^E[A-Z]+$/.test(code);
  const known = QUERY_CODES[code] ?? (lost ? 'WEIR_PG_CONNECTION_LOST' : 'WEIR_PG_QUERY');
  return new WeirError(known, `${doing}: ${message}`, error instanceof pg.DatabaseError ? {} : { cause: error });
}
