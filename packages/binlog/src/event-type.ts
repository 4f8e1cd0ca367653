import { WeirError } from '@weir/sdk';

/**
 * Types of binary log events.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/namespacemysql_1_1binlog_1_1event.html (`Log_event_type`),
 * https://mariadb.com/kb/en/2-binlog-event-header/
 */
export const EventType = {
  query: 2,
  stop: 3,
  rotate: 4,
  intvar: 5,
  appendBlock: 9,
  deleteFile: 11,
  rand: 13,
  userVar: 14,
  formatDescription: 15,
  xid: 16,
  beginLoadQuery: 17,
  executeLoadQuery: 18,
  tableMap: 19,
  writeRowsV1: 23,
  updateRowsV1: 24,
  deleteRowsV1: 25,
  incident: 26,
  heartbeat: 27,
  ignorable: 28,
  rowsQuery: 29,
  writeRows: 30,
  updateRows: 31,
  deleteRows: 32,
  gtid: 33,
  anonymousGtid: 34,
  previousGtids: 35,
  transactionContext: 36,
  viewChange: 37,
  xaPrepare: 38,
  partialUpdateRows: 39,
  transactionPayload: 40,
  heartbeatV2: 41,
  gtidTagged: 42,
  // MariaDB's own
  annotateRows: 160,
  binlogCheckpoint: 161,
  mariadbGtid: 162,
  gtidList: 163,
  startEncryption: 164,
  queryCompressed: 165,
  writeRowsCompressedV1: 166,
  updateRowsCompressedV1: 167,
  deleteRowsCompressedV1: 168,
  writeRowsCompressed: 169,
  updateRowsCompressed: 170,
  deleteRowsCompressed: 171,
} as const;
export type EventType = (typeof EventType)[keyof typeof EventType];

/** Events that say nothing about rows, or what the statement behind them says too. */
const passedOver: ReadonlySet<number> = new Set<number>([
  EventType.stop,
  EventType.intvar,
  EventType.rand,
  EventType.userVar,
  EventType.beginLoadQuery,
  EventType.appendBlock,
  EventType.deleteFile,
  EventType.ignorable,
  EventType.rowsQuery,
  EventType.annotateRows,
  EventType.binlogCheckpoint,
  EventType.transactionContext,
  EventType.viewChange,
]);

export function isPassedOver(type: number): boolean {
  return passedOver.has(type);
}

/** Rows of whatever version, not compressed. */
export function isRows(type: number): boolean {
  return (
    (type >= EventType.writeRows && type <= EventType.deleteRows) ||
    (type >= EventType.writeRowsV1 && type <= EventType.deleteRowsV1) ||
    type === EventType.partialUpdateRows
  );
}

const names = new Map<number, string>(
  Object.entries(EventType).map(([name, type]) => [type, name.replaceAll(/(?=[A-Z])/g, '_').toUpperCase()]),
);

/** The vendors' name of a type, or its number. */
export function eventName(type: number): string {
  return names.get(type) ?? `of type ${type}`;
}

/** An event that is not what the format says. Names type and place only: its bytes may be row values (invariant 10). */
export function damaged(type: number, offset: number, what: string): WeirError {
  return new WeirError('WEIR_BINLOG_DAMAGED', `binlog event ${eventName(type)}, byte ${offset}: ${what}`);
}

/** Something that a server may send and that is not read. */
export function unsupported(type: number, offset: number, what: string): WeirError {
  return new WeirError('WEIR_BINLOG_UNSUPPORTED', `binlog event ${eventName(type)}, byte ${offset}: ${what}`);
}
