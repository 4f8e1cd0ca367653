import { isServerAnswer, serverError } from '@weir/mysql';
import { WeirError, tableName, type ErrorCode } from '@weir/sdk';
import type { Doing, NamedColumn } from '@weir/sql-sink';

interface Known {
  readonly code: ErrorCode;
  readonly message: string;
}

/**
 * What the server answered while Weir wrote, as a coded error. The value of a row is in no part of it (invariant 10): of
 * messages that quote values only the name of the column or index is taken.
 */
export function sinkError(error: unknown, at: Doing): WeirError {
  if (error instanceof WeirError) return error;
  if (!isServerAnswer(error)) return serverError(error, at.doing);
  const table = at.table && tableName(at.table);
  const known = byNumber(error.errno, error.sqlMessage, at);
  if (known !== null) return new WeirError(known.code, `${at.doing}: ${known.message}`, { table });
  const { code, message, fix } = serverError(error, at.doing);
  return new WeirError(code, message, { fix, table });
}

/** Numbers: https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html */
function byNumber(errno: number, message: string, at: Doing): Known | null {
  switch (errno) {
    case 1062:
    case 1586:
      return duplicate(message);
    case 1406:
    case 1264:
    case 1265:
    case 1292:
    case 1366:
    case 1367:
    case 1300:
    case 1411:
    case 1416:
    case 1525:
    case 1690:
      return { code: 'WEIR_MYSQL_VALUE', message: valueMessage(errno, message, at) };
    case 1048:
    case 1263:
      return notNull(message, at);
    case 1364:
      return { code: 'WEIR_SINK_COLUMN_REQUIRED', message };
    case 1216:
    case 1217:
    case 1451:
    case 1452:
      return { code: 'WEIR_MYSQL_CONSTRAINT', message: 'a foreign key refuses rows of the source' };
    case 1644:
      return { code: 'WEIR_MYSQL_CONSTRAINT', message: 'a trigger refuses rows of the source' };
    case 3819:
    case 4025:
      return { code: 'WEIR_MYSQL_CONSTRAINT', message: 'a CHECK refuses rows of the source' };
    case 1054:
    case 1146:
      return { code: 'WEIR_MYSQL_DIVERGED', message };
    case 1064:
      // The message quotes the statement.
      return { code: 'WEIR_MYSQL_QUERY', message: 'the server does not understand a statement' };
    case 1117:
    case 1118:
      return { code: 'WEIR_SINK_COLUMNS', message };
    default:
      return null;
  }
}

/** `Duplicate entry '…' for key 'orders.PRIMARY'`; MariaDB leaves the table out. */
function duplicate(message: string): Known {
  const index = /for key '(?:[^']*\.)?([^'.]*)'$/.exec(message)?.[1] ?? 'a unique index';
  if (index !== 'PRIMARY') {
    return { code: 'WEIR_SINK_UNIQUE_INDEX', message: `rows of the source are no different to ${index}` };
  }
  return { code: 'WEIR_MYSQL_DIVERGED', message: 'rows to insert are there already, by the primary key' };
}

/** `… for column 'note' at row 1`, or `` `db`.`table`.`note` ``. */
function columnOf(message: string, at: Doing): NamedColumn | null {
  const name = /column (?:'([^']*)'|(?:`[^`]*`\.)*`([^`]*)`)(?: at row \d+|$)/.exec(message);
  const found = name?.[1] ?? name?.[2];
  if (found === undefined) return null;
  return at.columns?.find((column) => column.name === found) ?? { name: found, column: found, sqlType: 'its type' };
}

function valueMessage(errno: number, message: string, at: Doing): string {
  const column = columnOf(message, at);
  const where = column?.column ?? 'a column';
  if (errno === 1300 || (errno === 1366 && message.startsWith('Incorrect string value'))) return `${where}: a text is not UTF-8`;
  if (errno === 1406) return `${where}: a value is longer than ${column?.sqlType ?? 'its column'} takes`;
  return `${where}: a value does not fit ${column?.sqlType ?? 'its column'}`;
}

function notNull(message: string, at: Doing): Known {
  const name = /Column '([^']*)'/.exec(message)?.[1] ?? '';
  const own = at.columns?.find((column) => column.name === name);
  if (own !== undefined) return { code: 'WEIR_MYSQL_VALUE', message: `column ${own.column} is NULL and must not be` };
  return { code: 'WEIR_SINK_COLUMN_REQUIRED', message: `column ${name} must not be NULL and the source does not have it` };
}
