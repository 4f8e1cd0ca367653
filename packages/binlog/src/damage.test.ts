import { WeirError } from '@weir/sdk';
import { expect, test } from 'vitest';
import { EventType } from './event-type.ts';
import { Session } from './testing/session.ts';
import { hex, pair } from './testing/tables.ts';

const uuid = '3e11fa4771ca11e19e33c80aa9429562';
/** Version 1, size, last field 9; flags, uuid (all of bytes below 128). */
const tagged = (size: string, rest: string): string => `02 ${size} 12 0000 02 ${'02'.repeat(16)} ${rest}`;
/** Table 108, flags, names `d` and `t`. */
const table = (rest: string): string => `6c0000000000 0100 01 64 00 01 74 00 ${rest}`;
/** The same of one INT column and one VARCHAR, with these metadata. */
const described = (metadata: string): string => table(`02 030f 02 5000 03 ${metadata}`);
/** Rows of table 108, the last of their statement, without extra information. */
const rows = (rest: string): string => `6c0000000000 0100 0200 ${rest}`;
const query = (rest: string): string => `00000000 00000000 ${rest}`;

/** The event that is refused, and the place and reason that the error names. */
const damagedEvents: [what: string, type: EventType, body: string, message: string][] = [
  ['a QUERY without its lengths', EventType.query, query('00'), 'QUERY, byte 28: the event ends early'],
  ['variables that do not fit', EventType.query, query('00 0000 0500 00 00'), 'QUERY, byte 32: the event ends early'],
  ['a variable that is cut off', EventType.query, query('00 0000 0200 0400'), 'QUERY, byte 33: the event ends early'],
  ['a database that does not fit', EventType.query, query('09 0000 0000 64'), 'QUERY, byte 32: the event ends early'],
  ['a database without an end', EventType.query, query('01 0000 0000 64 64'), 'QUERY, byte 33: the name of the database has no end'],
  ['a database that is not UTF-8', EventType.query, query('01 0000 0000 ff 00'), 'QUERY, byte 32: a name is not UTF-8'],

  ['a GTID without a number', EventType.gtid, `01 ${uuid}`, 'GTID, byte 36: the event ends early'],
  ['the GTID number 0', EventType.gtid, `01 ${uuid} 0000000000000000`, 'GTID, byte 36: no GTID has this number'],
  ['the largest number', EventType.gtid, `01 ${uuid} ffffffffffffff7f`, 'GTID, byte 36: no GTID has this number'],
  ['an anonymous GTID with a number', EventType.anonymousGtid, `01 ${uuid} 0100000000000000`, 'ANONYMOUS_GTID, byte 36: no GTID has this number'],
  ['a clock that is cut off', EventType.gtid, `01 ${uuid} 0100000000000000 02 01`, 'GTID, byte 45: the event ends early'],
  [
    'a time beyond what a double holds',
    EventType.gtid,
    `01 ${uuid} 0100000000000000 02 ${'00'.repeat(16)} ffffffffffff7f`,
    'GTID, byte 61: a time is out of range',
  ],

  ['a tagged GTID of another version', EventType.gtidTagged, '04 06 12', 'GTID_TAGGED, byte 20: a message of version 2'],
  ['one without its size', EventType.gtidTagged, '02', 'GTID_TAGGED, byte 20: the event ends early'],
  ['one without a number', EventType.gtidTagged, tagged('2c', ''), 'GTID_TAGGED, byte 41: a GTID without uuid or number'],
  ['one with a negative number', EventType.gtidTagged, tagged('30', '04 02'), 'GTID_TAGGED, byte 43: a GTID without uuid or number'],
  ['fields twice', EventType.gtidTagged, tagged('30', '0000'), 'GTID_TAGGED, byte 42: fields out of order'],
  ['a tag that is too long', EventType.gtidTagged, tagged('30', '0642'), 'GTID_TAGGED, byte 43: a tag is too long'],
  ['a tag of other characters', EventType.gtidTagged, tagged('32', '060241'), 'GTID_TAGGED, byte 43: a tag has other characters'],
  ['a number of nine bytes that is cut off', EventType.gtidTagged, tagged('30', '04ff'), 'GTID_TAGGED, byte 43: the event ends early'],
  ['a time that is too large', EventType.gtidTagged, tagged('40', `0cff ${'ff'.repeat(8)}`), 'GTID_TAGGED, byte 51: a number is out of range'],
  ['a byte that is none', EventType.gtidTagged, '02 0e 12 00 03 10 00', 'GTID_TAGGED, byte 26: no byte has this value'],

  ["MariaDB's GTID cut off", EventType.mariadbGtid, '0100000000000000 00000000', 'MARIADB_GTID, byte 31: the event ends early'],
  ['a commit id cut off', EventType.mariadbGtid, '0100000000000000 00000000 02 00', 'MARIADB_GTID, byte 32: the event ends early'],
  ['an XA name cut off', EventType.mariadbGtid, '0100000000000000 00000000 40 01000000 0201 61', 'MARIADB_GTID, byte 38: the event ends early'],
  ['a list of another length', EventType.gtidList, '02000000 0000000000000000 0000000000000000', 'GTID_LIST, byte 23: the number of GTIDs does not fit'],
  ['a set that is cut off', EventType.previousGtids, `0100000000000000 ${uuid}`, 'PREVIOUS_GTIDS, byte 24: a set of GTIDs is cut off'],
  ['a set with more behind', EventType.previousGtids, '0000000000000000 00', 'PREVIOUS_GTIDS, byte 8: bytes are left over behind a set of GTIDs'],
  [
    'an interval that ends where it starts',
    EventType.previousGtids,
    `0100000000000000 ${uuid} 0100000000000000 0500000000000000 0500000000000000`,
    'PREVIOUS_GTIDS, byte 48: an interval of GTIDs is none',
  ],
  ['a tag that is none', EventType.previousGtids, `0101000000000001 ${uuid} 0239`, 'PREVIOUS_GTIDS, byte 26: a tag has other characters'],

  ['XA PREPARE of three phases', EventType.xaPrepare, '02 01000000 01000000 00000000 61', 'XA_PREPARE, byte 19: neither one phase nor two'],
  ['an XA name that is too long', EventType.xaPrepare, '00 01000000 41000000 00000000', 'XA_PREPARE, byte 32: a name of an XA transaction is too long'],
  ['XA PREPARE with more behind', EventType.xaPrepare, '00 01000000 00000000 00000000 00', 'XA_PREPARE, byte 32: bytes left over: 1'],
  ['an XID with more behind', EventType.xid, '0100000000000000 00', 'XID, byte 27: bytes left over: 1'],

  ['a ROTATE without a file', EventType.rotate, '0400000000000000', 'ROTATE, byte 27: a file without a name'],
  ['a ROTATE to nowhere', EventType.rotate, 'ffffffffffffffff 61', 'ROTATE, byte 19: a number is out of range'],
  ['a heartbeat without a file', EventType.heartbeat, '', 'HEARTBEAT, byte 19: a file without a name'],
  ['a heartbeat without a place', EventType.heartbeatV2, '01 01 61 00', 'HEARTBEAT_V2, byte 23: a heartbeat without file or position'],
  ['a heartbeat whose field is longer', EventType.heartbeatV2, '02 02 05 00', 'HEARTBEAT_V2, byte 22: a field is not as long as it says'],
  ['a heartbeat with more behind', EventType.heartbeatV2, '01 01 61 02 01 05 00 00', 'HEARTBEAT_V2, byte 26: bytes left over: 1'],

  ['a packed integer that is none', EventType.tableMap, table('fb'), 'TABLE_MAP, byte 33: no packed integer starts with this byte'],
  ['more columns than there are', EventType.tableMap, table('fc0110'), 'TABLE_MAP, byte 36: more columns than a table may have'],
  ['types that are cut off', EventType.tableMap, table('02 03'), 'TABLE_MAP, byte 34: the event ends early'],
  ['metadata that are cut off', EventType.tableMap, table('01 03 09 00'), 'TABLE_MAP, byte 36: the types are cut off'],
  ['metadata of another length', EventType.tableMap, table('01 03 01 00 00'), 'TABLE_MAP, byte 36: the types have another length than they say'],
  ['a table without NULL bits', EventType.tableMap, table('01 03 00'), 'TABLE_MAP, byte 36: the event ends early'],
  ['a name without an end', EventType.tableMap, '6c0000000000 0100 01 64 64', 'TABLE_MAP, byte 29: a name has no end'],
  ['a field that is cut off', EventType.tableMap, described('01 05 00'), 'TABLE_MAP, byte 42: the event ends early'],
  ['a name for one column of two', EventType.tableMap, described('04 02 01 61'), 'TABLE_MAP, byte 44: metadata of a table are missing for a column'],
  ['names for more columns', EventType.tableMap, described('04 06 01 61 01 62 01 63'), 'TABLE_MAP, byte 46: metadata of a table have another length than they say'],
  ['a character set of a column too many', EventType.tableMap, described('02 03 21 01 21'), 'TABLE_MAP, byte 44: a character set of a column that the table has not'],
  ['a key of a column too many', EventType.tableMap, described('08 01 02'), 'TABLE_MAP, byte 43: a key of a column that the table has not'],
  ['dimensions of no vector', EventType.tableMap, described('0d 01 05'), 'TABLE_MAP, byte 42: metadata of a table have another length than they say'],

  ['rows without a table', EventType.writeRows, '6c000000', 'WRITE_ROWS, byte 19: the event ends early'],
  ['extra information shorter than its length', EventType.writeRows, '6c0000000000 0100 0100', 'WRITE_ROWS, byte 27: the extra information is shorter than its length'],
  ['extra information that does not fit', EventType.writeRows, '6c0000000000 0100 0900 00', 'WRITE_ROWS, byte 29: the event ends early'],
  ['more columns than bits', EventType.writeRows, rows('fdffffff ff'), 'WRITE_ROWS, byte 33: the event ends early'],
  ['an update without bits of its after image', EventType.updateRows, rows('03 ff'), 'UPDATE_ROWS, byte 31: the event ends early'],
  ['rows of a table that is unknown', EventType.writeRows, '6d0000000000 0100 0200 03 07 00', 'rows of a table that this statement did not announce'],
  ['a row without its NULL bits', EventType.updateRows, rows('03 07 07 06 01000000'), 'UPDATE_ROWS, byte 32: the row is cut off'],
  ['a row that is cut off', EventType.writeRows, rows('03 07 06 010000'), 'WRITE_ROWS, byte 31: a value is cut off'],
  ['options that are unknown', EventType.partialUpdateRows, rows('03 07 07 06 01000000 02 06 01000000'), 'PARTIAL_UPDATE_ROWS, byte 38: rows with options 2'],
];

test.each(damagedEvents)('%s', (_what, type, body, message) => {
  const session = new Session({ checksums: false });
  const transactional = [EventType.tableMap, EventType.writeRows, EventType.updateRows, EventType.partialUpdateRows] as number[];
  if (transactional.includes(type)) session.decode(session.log.query({ text: 'BEGIN' }));
  if (transactional.includes(type) && type !== EventType.tableMap) session.decode(session.log.tableMap(pair));
  let failure: unknown = null;
  try {
    session.decode(session.log.event(type, hex(body)));
  } catch (error) {
    failure = error;
  }
  expect(failure).toBeInstanceOf(WeirError);
  expect((failure as WeirError).code).toMatch(/^WEIR_BINLOG_(?:DAMAGED|UNSUPPORTED)$/u);
  expect((failure as WeirError).message).toContain(message);
  expect(session.rows()).toEqual([]);
});

test.each<[string, (session: Session) => void, string]>([
  ['no header', ({ decoder, writer }) => decoder.decode(writer, writer.append(new Uint8Array(18)), writer.used), 'of type 0, byte 0: shorter than its header'],
  [
    'another size than its header says',
    ({ decoder, writer, log }) => decoder.decode(writer, writer.append(log.xid()), writer.used - 1),
    'XID, byte 9: its size is another than its header says',
  ],
])('an event with %s', (_what, work, message) => {
  const session = new Session();
  expect(() => work(session)).toThrow(expect.objectContaining({ code: 'WEIR_BINLOG_DAMAGED', message: `binlog event ${message}` }));
});

test('an event outside the slab is a mistake of the host', () => {
  const { decoder, writer } = new Session();
  expect(() => decoder.decode(writer, 0, writer.used + 1)).toThrow(expect.objectContaining({ code: 'WEIR_SDK_USE' }));
});
