import { MariadbGtidPosition, MysqlGtidSet, parseMariadbGtid } from '@weir/binlog';
import { query, quoteLiteral, type MysqlClient } from '@weir/mysql';
import { WeirError } from '@weir/sdk';
import { gtidsOf, placeOf, type MysqlState } from './checkpoint-state.ts';
import { comparePlaces, fileBase } from './position.ts';
import type { ServerLog } from './server-log.ts';

/** Whom a start asks about a log. */
export interface LogQuestions {
  readonly client: MysqlClient;
  /** When the server began a file of its log, in seconds since 1970; null when it has none of that name. */
  readonly fileTime: (file: string) => Promise<number | null>;
}

/**
 * Whether a checkpoint can be gone on from: all that was read is in what the server has, all that was not is in its log, and names and
 * numbers mean what they meant. The same server with a log that began anew (RESET) numbers files, and GTIDs of its own, a second time.
 * @returns whether the places of the checkpoint mean the same as before; else its GTIDs do
 * @throws WeirError WEIR_MYSQL_LOG_BEHIND, WEIR_MYSQL_LOG_PURGED, WEIR_MYSQL_LOG_SETTINGS; what `questions` throw
 */
export async function checkLog(questions: LogQuestions, state: MysqlState, log: ServerLog): Promise<boolean> {
  if (state.flavour !== log.flavour) throw behind(`the server is ${log.flavour}, the checkpoint of ${state.flavour}`);
  const isSameServer = state.server === log.server;
  const done = gtidsOf(state);
  if (done === null || log.gtids === null) {
    if (!isSameServer) throw behind(`the server is ${log.server}, the checkpoint of ${state.server}, and without GTIDs nothing says where to go on`);
    if (done !== null) throw new WeirError('WEIR_MYSQL_LOG_SETTINGS', 'GTIDs were turned off at the server since the checkpoint (gtid_mode)');
    await checkPlace(questions, state, log);
    return true;
  }
  if (!log.gtids.hasAll(done as never) || !(await isInHistory(questions.client, done))) throw behind('the server lacks transactions that were read already');
  const removed = await removedGtids(questions.client, done);
  if (!done.hasAll(removed as never)) throw purged('the server removed transactions from its log that were not read yet');
  if (!isSameServer) return false;
  // In front of everything: the stream had not heard yet where it is.
  if (state.file.endsWith('.000000')) return true;
  const isSameLog = isWithin(state, log) && !isAnotherFile(state, await questions.fileTime(state.file));
  if (!isSameLog && !removed.hasAll(ownOf(done, log.server) as never)) {
    throw behind('the log of the server began anew since the checkpoint, and its GTIDs are given a second time');
  }
  return isSameLog;
}

/** Without GTIDs only the place says what was read. */
async function checkPlace({ fileTime }: LogQuestions, state: MysqlState, log: ServerLog): Promise<void> {
  const { file, offset } = state;
  if (!isWithin(state, log)) throw behind(`the log ends at ${log.end.file}:${log.end.offset}, before the checkpoint at ${file}:${offset}`);
  const time = await fileTime(file);
  if (time === null) throw purged(`the server removed ${file} from its log, which was not read to its end`);
  if (isAnotherFile(state, time)) throw behind(`${file} is another file than at the checkpoint: the log of the server began anew`);
}

/** Whether a place lies within a log, under the same name. */
function isWithin(state: MysqlState, { end }: ServerLog): boolean {
  return fileBase(state.file) === fileBase(end.file) && comparePlaces(placeOf(state), end) <= 0;
}

/** @param time when the server began the file of that name; null when it has none, which says nothing */
function isAnotherFile({ fileTime }: MysqlState, time: number | null): boolean {
  return fileTime !== undefined && time !== null && fileTime !== time;
}

/**
 * Whether the last GTIDs of MariaDB were ever at a server: numbers of a domain go on at the next server, so a higher one does not say it.
 * As the server itself asks it of a replica that connects.
 */
async function isInHistory(client: MysqlClient, done: MysqlGtidSet | MariadbGtidPosition): Promise<boolean> {
  if (done instanceof MysqlGtidSet) return true;
  const [row] = await query(client, 'SELECT @@global.gtid_binlog_state, @@global.gtid_slave_pos');
  const [logged, replicated] = row!.map((text) => (text ?? '').split(',').filter((part) => part.trim() !== '').map(parseMariadbGtid));
  return done.gtids.every(({ domain, server, sequence }) => {
    const isThere = logged!.some((each) => each.domain === domain && each.server === server && each.sequence >= sequence);
    return isThere || replicated!.some((each) => each.domain === domain && each.server === server && each.sequence === sequence);
  });
}

/** What is in the log no more: on MariaDB what was committed in front of its oldest file. */
async function removedGtids(client: MysqlClient, done: MysqlGtidSet | MariadbGtidPosition): Promise<MysqlGtidSet | MariadbGtidPosition> {
  if (done instanceof MysqlGtidSet) {
    const [row] = await query(client, 'SELECT @@global.gtid_purged');
    return MysqlGtidSet.parse(row![0] ?? '');
  }
  const [oldest] = await query(client, 'SHOW BINARY LOGS');
  const [row] = await query(client, `SELECT BINLOG_GTID_POS(${quoteLiteral(oldest![0]!)}, 4)`);
  return MariadbGtidPosition.parse(row![0] ?? '');
}

/** Those that a server gave itself. @param server as `MysqlState.server` has it */
function ownOf(gtids: MysqlGtidSet | MariadbGtidPosition, server: string): MysqlGtidSet | MariadbGtidPosition {
  if (gtids instanceof MysqlGtidSet) {
    const own = new MysqlGtidSet();
    for (const { uuid, tag, intervals } of gtids.sources) {
      for (let at = 0; uuid === server && at < intervals.length; at += 2) own.addRange(uuid, tag, intervals[at]!, intervals[at + 1]!);
    }
    return own;
  }
  const own = new MariadbGtidPosition();
  for (const gtid of gtids.gtids) if (`${gtid.server}` === server.split('-')[1]) own.add(gtid);
  return own;
}

function behind(message: string): WeirError {
  return new WeirError('WEIR_MYSQL_LOG_BEHIND', message);
}

function purged(message: string): WeirError {
  return new WeirError('WEIR_MYSQL_LOG_PURGED', message);
}
