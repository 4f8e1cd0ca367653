import { describe, expect, test } from 'vitest';
import { EventEncoder } from './event-encoder.ts';
import { EventType } from './event-type.ts';
import { MariadbGtidPosition } from './mariadb-gtid.ts';
import { MysqlGtidSet } from './mysql-gtid-set.ts';
import { Session } from './testing/session.ts';
import { hex } from './testing/tables.ts';

const uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const damaged = (message: string): unknown => expect.objectContaining({ code: 'WEIR_BINLOG_DAMAGED', message: expect.stringContaining(message) as string });
const unsupported = (message: string): unknown =>
  expect.objectContaining({ code: 'WEIR_BINLOG_UNSUPPORTED', message: expect.stringContaining(message) as string });

describe('the place in the log', () => {
  test('starts where the server says, and goes on in the next file', () => {
    const session = new Session({ position: 1000 });
    const { log, host, decoder } = session;
    expect(host.rotations).toEqual([{ file: 'binlog.000007', offset: 1000 }]);
    expect(decoder.position).toEqual({ file: 'binlog.000007', offset: log.position });
    session.decode(log.rotate('binlog.000008', 4)).decode(log.format());
    expect(host.rotations.at(-1)).toEqual({ file: 'binlog.000008', offset: 4 });
    expect(decoder.position).toEqual({ file: 'binlog.000008', offset: log.position });
  });

  test('goes on beyond 4 GiB, of which a header has the low bits', () => {
    const session = new Session({ position: 2 ** 32 - 60 });
    const { log, host, decoder } = session;
    const start = log.position;
    expect(start).toBeGreaterThan(2 ** 32);
    session.decode(log.gtid({ gtid: null })).decode(log.query({ text: 'BEGIN' })).decode(log.xid());
    expect(host.begins).toMatchObject([{ gtid: null, start: { offset: start } }]);
    expect(decoder.position.offset).toBe(log.position);
    const far = new Session({ position: 3 * 2 ** 32 + 5 });
    far.decode(far.log.query({ text: 'BEGIN' })).decode(far.log.xid());
    expect(far.decoder.position.offset).toBe(far.log.position);
  });

  test('of a header that goes back a little is what it says', () => {
    const session = new Session({ position: 5000 });
    const { log, decoder } = session;
    const before = log.event(EventType.stop, new Uint8Array(0));
    session.decode(log.query({ text: 'BEGIN' })).decode(log.xid());
    session.decode(before);
    expect(decoder.position.offset).toBe(Buffer.from(before).readUInt32LE(13));
  });

  test('is told by heartbeats too', () => {
    const session = new Session();
    const { log, host, decoder } = session;
    session.decode(log.heartbeat('binlog.000007'));
    expect(host.heartbeats).toEqual([{ file: 'binlog.000007', offset: log.position }]);
    session.decode(log.heartbeatV2('binlog.000009', 5_000_000_000));
    expect(host.heartbeats.at(-1)).toEqual({ file: 'binlog.000009', offset: 5_000_000_000 });
    expect(decoder.position).toEqual({ file: 'binlog.000009', offset: 5_000_000_000 });
  });

  test('of a heartbeat of MariaDB stands in its body where the header has no room', () => {
    const session = new Session({ flavour: 'mariadb' });
    const { log, host } = session;
    session.decode(log.event(EventType.heartbeat, hex(`0000000002000000 ${Buffer.from('log.1').toString('hex')}`), { flags: 0x20 }));
    expect(host.heartbeats).toEqual([{ file: 'log.1', offset: 2 ** 33 }]);
  });
});

describe('the format', () => {
  test.each([
    ['8.0.11', 'mysql'],
    ['5.5.5-10.6.21-MariaDB-1:10.6.21+maria~ubu2004-log', 'mariadb'],
  ] as const)('of %s is that of %s', (version, flavour) => {
    const session = new Session({ opened: false, checksums: false });
    session.decode(session.log.format({ version, created: 99 }));
    expect(session.host.formats).toEqual([{ flavour, serverVersion: version, checksums: false, created: 99, begun: 1_700_000_000 }]);
  });

  test('of a log in use has the checksum of one that is not', () => {
    const session = new Session({ opened: false });
    session.decode(session.log.format({ inUse: true }));
    expect(session.host.formats.length).toBe(1);
  });

  test('comes first, but for where the log is, with or without a checksum', () => {
    for (const checksums of [false, true]) {
      const session = new Session({ opened: false, checksums });
      session.decode(session.log.rotate('binlog.000001', 4, { artificial: true })).decode(session.log.heartbeat('binlog.000001'));
      expect(session.host.rotations).toEqual([{ file: 'binlog.000001', offset: 4 }]);
      expect(session.host.heartbeats).toMatchObject([{ file: 'binlog.000001' }]);
      expect(() => session.decode(session.log.query({ text: 'BEGIN' }))).toThrow(damaged('the log has no format yet'));
    }
  });

  /** Of the bytes behind the header: version 2, server 50, time 4, length of headers, lengths of types. */
  test.each<[string, number, number, unknown]>([
    ['a version', 19, 3, unsupported('a log of version 3')],
    ['another length of headers', 19 + 56, 20, unsupported('events with headers of 20 bytes')],
    ['another layout of rows', 19 + 57 + 29, 12, unsupported('another layout of events of type 30')],
    ['a kind of checksum', 19 + 57 + 42, 2, unsupported('checksums of kind 2')],
    ['another checksum', 19 + 57 + 44, 2, damaged('its checksum is another')],
  ])('with %s is refused', (_what, at, value, error) => {
    const session = new Session({ opened: false });
    expect(() => session.decode(session.log.format().with(at, value))).toThrow(error);
  });
});

describe('what the server says of itself', () => {
  test('is what it committed before this file', () => {
    const session = new Session();
    session.decode(session.log.previousGtids(MysqlGtidSet.parse(`${uuid}:1-5`)));
    session.decode(session.log.gtidList(MariadbGtidPosition.parse('0-1-2,3-4-5')));
    session.decode(session.log.event(EventType.gtidList, hex('00000000 0000')));
    expect(session.host.previous).toEqual([`${uuid}:1-5`, '0-1-2,3-4-5', '']);
  });

  test('can be that its log lacks changes', () => {
    const session = new Session();
    const incident = session.log.event(EventType.incident, hex(`0100 04 ${Buffer.from('LOST').toString('hex')}`));
    expect(() => session.decode(incident)).toThrow(
      expect.objectContaining({ code: 'WEIR_BINLOG_INCIDENT', message: "the server's log lacks changes, incident 1: LOST" }),
    );
  });

  test('can be that its log is encrypted', () => {
    const session = new Session({ flavour: 'mariadb' });
    expect(() => session.decode(session.log.event(EventType.startEncryption, new Uint8Array(17)))).toThrow(unsupported('an encrypted log'));
  });

  test.each([99, 43, 172, 0, 1, 20])('is unknown of type %i, and is passed over only where it may be', (type) => {
    const session = new Session();
    session.decode(session.log.event(type, Uint8Array.of(1, 2, 3), { flags: 0x80 }));
    expect(() => session.decode(session.log.event(type, Uint8Array.of(1, 2, 3)))).toThrow(unsupported('no event of this type is known'));
  });
});

describe('a checksum', () => {
  test('that does not fit is damage', () => {
    const session = new Session();
    const event = session.log.query({ text: 'BEGIN' });
    expect(() => session.decode(event.with(event.length - 1, event.at(-1)! ^ 1))).toThrow(damaged('binlog event QUERY, byte 19: its checksum is another'));
  });

  test('of what the server makes up is taken off, whatever the file before had', () => {
    const session = new Session();
    const plain = new EventEncoder({ checksums: false });
    session.decode(plain.format()).decode(session.log.rotate('binlog.000009', 4, { artificial: true }));
    expect(session.host.rotations.at(-1)).toEqual({ file: 'binlog.000009', offset: 4 });
  });

  test('is expected as the last format says', () => {
    const session = new Session();
    const plain = new EventEncoder({ checksums: false });
    session.decode(plain.format()).decode(plain.query({ text: 'BEGIN' })).decode(plain.xid());
    expect(session.host.ends).toMatchObject([{ kind: 'commit' }]);
    expect(() => session.decode(session.log.query({ text: 'BEGIN' })).decode(session.log.xid())).toThrow(
      expect.objectContaining({ code: 'WEIR_BINLOG_DAMAGED' }),
    );
  });
});
