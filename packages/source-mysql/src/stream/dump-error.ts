import { serverError } from '@weir/mysql';
import { WeirError, type ErrorCode } from '@weir/sdk';

/** ER_SOURCE_FATAL_ERROR_READING_BINLOG, whose text says which of many things happened; MariaDB has the same. */
const FATAL_LOG_ERROR = 1236;
/** The user may log in, and not read the log: ER_ACCESS_DENIED_ERROR, ER_SPECIFIC_ACCESS_DENIED_ERROR. */
const NO_RIGHT = new Set([1045, 1227]);

/** What a text of error 1236 means; older servers say master and slave, newer ones source and replica. */
const meanings: readonly (readonly [text: RegExp, code: ErrorCode])[] = [
  [/purged required binary logs|have been purged|Could not find first log file name|Could not find GTID state|could not find next log/iu, 'WEIR_MYSQL_LOG_PURGED'],
  [/same server_uuid\/server_id|same server_id/iu, 'WEIR_MYSQL_SERVER_ID'],
  [/has more GTIDs than|not in the (?:master|primary|source)'s binlog|position > file size|impossible position|is missing the GTID/iu, 'WEIR_MYSQL_LOG_BEHIND'],
  [/max_allowed_packet/iu, 'WEIR_MYSQL_EVENT_SIZE'],
  [/Binary log is not open|server_?id was not set|server_id 0|GTID_MODE|checksum that (?:master|source) is configured/iu, 'WEIR_MYSQL_LOG_SETTINGS'],
  [/bogus data|truncated in the middle|corrupt|checksum|Could not open log file|error reading log e|decrypt/iu, 'WEIR_MYSQL_LOG_DAMAGED'],
];

/**
 * Why the server refused or ended the stream of its log, as a coded error.
 * @param errno its number
 * @param text its words, which hold names of files and GTIDs and no values of rows
 */
export function dumpError(errno: number, text: string): WeirError {
  if (NO_RIGHT.has(errno)) {
    const fix = 'GRANT REPLICATION SLAVE ON *.* TO …; for the user that the message names.';
    return new WeirError('WEIR_MYSQL_GRANT', `the stream of the log: ${text}`, { fix });
  }
  if (/anonymous transaction/iu.test(text)) {
    const fix = 'SET GLOBAL gtid_mode = ON_PERMISSIVE; until the pipeline has read what was logged without GTIDs, then ON.';
    return new WeirError('WEIR_MYSQL_LOG_SETTINGS', `the stream of the log: ${text}`, { fix });
  }
  // MariaDB has numbers of its own for some of them.
  const code = meanings.find(([pattern]) => pattern.test(text))?.[1] ?? (errno === FATAL_LOG_ERROR ? 'WEIR_MYSQL_LOG_READ' : null);
  if (code === null) return serverError({ errno, sqlMessage: text, message: text }, 'the stream of the log');
  return new WeirError(code, `the stream of the log: ${text}`);
}
