import { EventType } from './event-type.ts';
import type { EventReader } from './event-reader.ts';
import { statementKind, type StatementKind } from './statement-kind.ts';

/** A statement as the log has it. */
export interface Statement {
  readonly kind: StatementKind;
  /** UTF-8, or one character for each byte where it is not; see `collation`. */
  readonly text: string;
  /** The same as it was sent. */
  readonly bytes: Uint8Array;
  /** Collation id of the client's character set, in which `bytes` are; null where the server does not say. */
  readonly collation: number | null;
  /** `sql_mode` of the session, which says how its texts are written; null where the server does not say. */
  readonly sqlMode: bigint | null;
  /** The database that was chosen, for names without one; empty when none was. */
  readonly database: string;
  /** Of the statement on the server; 0 is none. */
  readonly errorCode: number;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Thread, seconds, length of the database, error, length of the variables; behind them stand, for a loaded file, 13 bytes. */
const LOAD_HEADER = 13;
const SQL_MODE = 1;
const CHARSET = 4;
/** The number of databases that is written where there are too many to list. */
const TOO_MANY_DATABASES = 254;

/** How long the variables are, by their code; the others are strings, or of a later version. */
const variableBytes: Readonly<Record<number, number>> = {
  0: 4, // flags2
  [SQL_MODE]: 8,
  3: 4, // auto_increment
  [CHARSET]: 6,
  7: 2, // lc_time_names
  8: 2, // charset_database
  9: 8, // table_map_for_update
  10: 4, // master_data_written
  13: 3, // microseconds
  16: 1, // explicit_defaults_for_timestamp
  17: 8, // ddl_logged_with_xid
  18: 2, // default_collation_for_utf8mb4
  19: 1, // sql_require_primary_key
  20: 1, // default_table_encryption
  128: 3, // MariaDB: hrnow
  129: 8, // MariaDB: xid
  130: 2, // MariaDB: gtid_flags3
};

const BEGIN: readonly number[] = [0x42, 0x45, 0x47, 0x49, 0x4e];
/** Where the body has its lengths, and where it goes on behind them. */
const DATABASE_LENGTH = 8;
const VARIABLES_LENGTH = 11;
export const QUERY_HEADER = 13;

/** Where the text of a QUERY stands whose body, of at least `QUERY_HEADER` bytes, is at `at`. */
export function queryTextAt(data: Uint8Array, at: number): number {
  const variables = data[at + VARIABLES_LENGTH]! | (data[at + VARIABLES_LENGTH + 1]! << 8);
  return at + QUERY_HEADER + variables + data[at + DATABASE_LENGTH]! + 1;
}

/** Whether the QUERY that the reader stands before is `BEGIN`: every transaction has one, so it is told without reading it. */
export function isBegin({ data, at, end }: EventReader): boolean {
  if (end - at < QUERY_HEADER) return false;
  const text = queryTextAt(data, at);
  return text === end - BEGIN.length && BEGIN.every((byte, index) => data[text + index] === byte);
}

/**
 * Reads the body of a QUERY, or of an EXECUTE_LOAD_QUERY.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/classmysql_1_1binlog_1_1event_1_1Query__event.html
 */
export function readQuery(reader: EventReader): Statement {
  reader.skip(8);
  const databaseLength = reader.uint8();
  const errorCode = reader.uint16();
  const variables = reader.uint16();
  const loads = reader.type === EventType.executeLoadQuery;
  if (loads) reader.skip(LOAD_HEADER);
  const variablesEnd = reader.at + variables;
  reader.need(variables);
  const { collation, sqlMode } = readVariables(reader, variablesEnd);
  reader.at = variablesEnd;
  const database = reader.utf8(databaseLength);
  if (reader.uint8() !== 0) throw reader.damagedBefore(1, 'the name of the database has no end');
  const bytes = reader.bytes(reader.left).slice();
  const text = textOf(bytes);
  return { kind: loads ? 'data' : statementKind(text), text, bytes, collation, sqlMode, database, errorCode };
}

function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return Buffer.from(bytes).toString('latin1');
  }
}

/** The variables are written in the order of their codes, so what is behind an unknown one is of a later version. */
function readVariables(reader: EventReader, end: number): Pick<Statement, 'collation' | 'sqlMode'> {
  let sqlMode: bigint | null = null;
  while (reader.at < end) {
    const code = reader.uint8();
    if (code === CHARSET) return { collation: reader.uint16(), sqlMode };
    const bytes = variableBytes[code];
    if (code === SQL_MODE) sqlMode = reader.uint64();
    else if (bytes !== undefined) reader.skip(bytes);
    else if (!skipString(reader, code)) break;
  }
  return { collation: null, sqlMode };
}

function skipString(reader: EventReader, code: number): boolean {
  if (code === 2) reader.skip(reader.uint8() + 1); // catalog with its zero byte
  else if (code === 5 || code === 6) reader.skip(reader.uint8()); // time_zone, catalog
  else if (code === 11) {
    // invoker: user and host
    reader.skip(reader.uint8());
    reader.skip(reader.uint8());
  } else if (code === 12) {
    const databases = reader.uint8();
    if (databases === TOO_MANY_DATABASES) return true;
    for (let left = databases; left > 0; left--) while (reader.uint8() !== 0);
  } else if (code === 131) reader.skip(reader.uint8() * 4); // MariaDB: character_set_collations
  else return false;
  return true;
}
