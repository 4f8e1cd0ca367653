import { WeirError, type ErrorCode } from '@weir/sdk';
import { hostText, type Target } from './target.ts';

/** What the server or mysql2 said. Numbers: MySQL, Server Error Message Reference; MariaDB has the same and some of its own. */
export interface MysqlError {
  readonly errno?: number;
  readonly code?: string;
  readonly sqlMessage?: string;
  readonly message: string;
}

/** Whether an error is the server's answer to a statement, after which the connection is still there. */
export function isServerAnswer(error: unknown): error is MysqlError & { readonly errno: number; readonly sqlMessage: string } {
  const { errno, sqlMessage } = error as Partial<MysqlError>;
  return typeof errno === 'number' && errno >= 1000 && typeof sqlMessage === 'string' && !ENDS_SESSION.has(errno);
}

/** The server ended the session: shut down, killed, idle for too long. */
const ENDS_SESSION = new Set([1053, 1077, 1079, 1080, 1317, 1927, 3169, 4031]);

const CONNECT_CODES: Readonly<Record<number, ErrorCode>> = {
  1040: 'WEIR_MYSQL_CONNECTIONS_FULL',
  1203: 'WEIR_MYSQL_CONNECTIONS_FULL',
  1226: 'WEIR_MYSQL_CONNECTIONS_FULL',
  1044: 'WEIR_MYSQL_DATABASE',
  1049: 'WEIR_MYSQL_DATABASE',
  1045: 'WEIR_MYSQL_AUTH',
  1130: 'WEIR_MYSQL_AUTH',
  1251: 'WEIR_MYSQL_AUTH',
  1698: 'WEIR_MYSQL_AUTH',
  1820: 'WEIR_MYSQL_AUTH',
  1862: 'WEIR_MYSQL_AUTH',
  3118: 'WEIR_MYSQL_AUTH',
  3159: 'WEIR_MYSQL_TLS',
  4151: 'WEIR_MYSQL_AUTH',
};

/** What connecting met, as a coded error that names the host; no secret is in it (invariant 10). */
export function connectionError(error: unknown, target: Target): WeirError {
  if (error instanceof WeirError) return error;
  const { errno, code = '', message } = error as MysqlError;
  const known = CONNECT_CODES[errno ?? 0] ?? byCode(code, message) ?? 'WEIR_MYSQL_CONNECT';
  const where = `${hostText(target)} as ${target.user}`;
  return new WeirError(known, `cannot connect to ${where}: ${message || code}`, {
    path: known === 'WEIR_MYSQL_TLS' ? 'tls' : 'url',
  });
}

function byCode(code: string, message: string): ErrorCode | null {
  if (code === 'ENOTFOUND') return 'WEIR_MYSQL_HOST';
  if (code.startsWith('AUTH_')) return 'WEIR_MYSQL_AUTH';
  const isTls = /CERT|TLS|SSL|SIGNATURE|ISSUER/.test(code) || /certificate|secure connection|TLS|SSL/i.test(message);
  return isTls ? 'WEIR_MYSQL_TLS' : null;
}

const QUERY_CODES: Readonly<Record<number, ErrorCode>> = {
  1044: 'WEIR_MYSQL_GRANT',
  1142: 'WEIR_MYSQL_GRANT',
  1143: 'WEIR_MYSQL_GRANT',
  1227: 'WEIR_MYSQL_GRANT',
  1370: 'WEIR_MYSQL_GRANT',
  1205: 'WEIR_MYSQL_LOCKED',
  1213: 'WEIR_MYSQL_LOCKED',
  3572: 'WEIR_MYSQL_LOCKED',
  1290: 'WEIR_MYSQL_READ_ONLY',
  1792: 'WEIR_MYSQL_READ_ONLY',
  1836: 'WEIR_MYSQL_READ_ONLY',
  1153: 'WEIR_MYSQL_PACKET',
};

/** What the server answered to a statement, as a coded error. The statement, which may hold row values, is in no part of it. */
export function serverError(error: unknown, doing: string): WeirError {
  if (error instanceof WeirError) return error;
  if (isServerAnswer(error)) {
    return new WeirError(QUERY_CODES[error.errno] ?? 'WEIR_MYSQL_QUERY', `${doing}: ${error.sqlMessage}`);
  }
  const { code = '', message } = error as MysqlError;
  return new WeirError('WEIR_MYSQL_CONNECTION_LOST', `${doing}: ${message || code}`);
}
