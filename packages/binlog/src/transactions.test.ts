import { Op } from '@weir/sdk';
import { describe, expect, test } from 'vitest';
import { EventType } from './event-type.ts';
import { Session } from './testing/session.ts';
import { int, pair, varchar } from './testing/tables.ts';

const uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const gtid = { uuid, tag: '', number: 23n };
const images = { tableId: pair.tableId, columns: 3 };
const row = { after: [int(1), varchar('one'), null] };
const damaged = (message: string): unknown => expect.objectContaining({ code: 'WEIR_BINLOG_DAMAGED', message: expect.stringContaining(message) as string });

describe('a statement alone', () => {
  test('is heard between begin and commit, and is a boundary', async () => {
    const session = new Session();
    const { log, host, decoder } = session;
    const start = log.position;
    session.decode(log.gtid({ gtid, commitTime: 7, originalCommitTime: 6 }));
    expect(decoder.inTransaction).toBe(true);
    // flags2, sql_mode, the catalog and the character sets of the session; then one of a later version.
    const variables = Uint8Array.of(0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 6, 3, 115, 116, 100, 4, 8, 0, 33, 0, 33, 0, 99);
    session.decode(log.query({ text: 'CREATE TABLE t (a INT)', database: 'shop', variables }));
    expect(decoder.inTransaction).toBe(false);
    expect(host.begins).toEqual([{ gtid, start: { file: 'binlog.000007', offset: start }, time: 7, originalTime: 6, xid: null }]);
    expect(host.statements).toEqual([
      {
        kind: 'definition',
        text: 'CREATE TABLE t (a INT)',
        bytes: Uint8Array.from(Buffer.from('CREATE TABLE t (a INT)')),
        collation: 8,
        database: 'shop',
        sqlMode: 0n,
        errorCode: 0,
        alter: null,
        inTransaction: false,
      },
    ]);
    const end = { file: 'binlog.000007', offset: log.position };
    expect(host.ends).toEqual([{ kind: 'statement', gtid, end, rows: 0, time: 7 }]);
    expect(decoder.position).toEqual(end);
    await Promise.resolve();
  });

  test('of one that was delivered is not heard', () => {
    const session = new Session();
    session.host.delivered.add(`${uuid}:23`);
    session.decode(session.log.gtid({ gtid })).decode(session.log.query({ text: 'DROP TABLE t' }));
    expect(session.host.statements).toEqual([]);
    expect(session.host.ends).toMatchObject([{ kind: 'statement' }]);
  });

  test('has its tables bound anew behind it', async () => {
    const session = new Session();
    const { log, host } = session;
    const transaction = (): Uint8Array[] => [
      log.gtid({ gtid }),
      log.query({ text: 'BEGIN' }),
      log.tableMap(pair),
      log.rows({ type: EventType.writeRows, ...images, rows: [row] }),
      log.xid(),
    ];
    await session.feed(...transaction(), ...transaction());
    expect(host.maps.length).toBe(1);
    await session.feed(log.gtid({ gtid }), log.query({ text: 'ALTER TABLE pair RENAME COLUMN b TO d' }), ...transaction());
    expect(host.maps.length).toBe(2);
  });

  test('can be a truncate, whose row the host asks for', () => {
    const session = new Session();
    const { log, host, decoder, writer } = session;
    const binding = host.bindingFor(pair)!;
    host.onStatement = () => decoder.truncate(writer, binding);
    session.decode(log.gtid({ gtid })).decode(log.query({ text: 'TRUNCATE pair' }));
    expect(session.rows()).toMatchObject([{ op: Op.truncate, table: 'pair@0', ordinal: 1, after: null, before: null }]);
    binding.skip = true;
    session.decode(log.gtid({ gtid })).decode(log.query({ text: 'TRUNCATE pair' }));
    expect(session.close()).toMatchObject({ rows: 0, skipped: 1 });
    expect(() => decoder.truncate(writer, binding)).toThrow(expect.objectContaining({ code: 'WEIR_SDK_USE' }));
  });

  test('whose text is not UTF-8 comes with its bytes and their character set', () => {
    const session = new Session();
    const text = Uint8Array.from([...Buffer.from('DROP TABLE '), 0xe9]);
    session.decode(session.log.query({ text, variables: Uint8Array.of(4, 8, 0, 8, 0, 8, 0) }));
    expect(session.host.statements).toMatchObject([{ text: 'DROP TABLE é', bytes: text, collation: 8 }]);
  });

  test('in front of which no GTID stands starts where it does', () => {
    const session = new Session();
    const start = session.log.position;
    session.decode(session.log.query({ text: 'FLUSH PRIVILEGES' }));
    expect(session.host.begins).toEqual([
      { gtid: null, start: { file: 'binlog.000007', offset: start }, time: 1_700_000_000_000_000, originalTime: 1_700_000_000_000_000, xid: null },
    ]);
  });
});

describe('a statement inside a transaction', () => {
  test.each(['SAVEPOINT a', 'ROLLBACK TO a', 'INSERT INTO t VALUES (1)', 'CREATE TABLE t (a INT) START TRANSACTION'])(
    'does not end it: %s',
    async (text) => {
      const session = new Session();
      const { log, host } = session;
      await session.feed(
        log.gtid({ gtid }),
        log.query({ text: 'BEGIN' }),
        log.query({ text }),
        log.tableMap(pair),
        log.rows({ type: EventType.writeRows, ...images, rows: [row] }),
        log.xid(),
      );
      expect(host.statements).toMatchObject([{ text, inTransaction: true }]);
      expect(host.ends).toMatchObject([{ kind: 'commit', rows: 1 }]);
    },
  );

  test('can load a file', () => {
    const session = new Session();
    const { log, host } = session;
    const query = log.query({ text: 'LOAD DATA INFILE x INTO TABLE t', database: 'd' }).slice(19, -4);
    const body = Uint8Array.from([...query.subarray(0, 13), ...new Uint8Array(13), ...query.subarray(13)]);
    session.decode(log.query({ text: 'BEGIN' })).decode(log.event(EventType.beginLoadQuery, Uint8Array.of(1, 0, 0, 0)));
    session.decode(log.event(EventType.executeLoadQuery, body));
    expect(host.statements).toMatchObject([{ kind: 'data', text: 'LOAD DATA INFILE x INTO TABLE t', database: 'd', inTransaction: true }]);
  });

  test('that only says what the rows are of is passed over', async () => {
    const session = new Session();
    const { log, host } = session;
    const ignored = [EventType.rowsQuery, EventType.intvar, EventType.rand, EventType.userVar, EventType.viewChange, EventType.annotateRows];
    await session.feed(log.query({ text: 'BEGIN' }), ...ignored.map((type) => log.event(type, Uint8Array.of(1, 2, 3))), log.query({ text: '# nothing' }), log.xid());
    expect(host.statements).toEqual([]);
    expect(host.ends).toMatchObject([{ kind: 'commit', rows: 0 }]);
  });
});

describe('a transaction', () => {
  test('that is rolled back says so', async () => {
    const session = new Session();
    const { log, host } = session;
    const rows = log.rows({ type: EventType.writeRows, ...images, rows: [row] });
    await session.feed(log.query({ text: 'BEGIN' }), log.tableMap(pair), rows, log.query({ text: 'ROLLBACK' }));
    expect(host.ends).toMatchObject([{ kind: 'rollback', rows: 1 }]);
  });

  test('that is left out has no table bound for it', async () => {
    const session = new Session();
    const { log, host } = session;
    host.delivered.add(`${uuid}:23`);
    for (const number of [23n, 24n, 23n, 25n]) {
      await session.feed(
        log.gtid({ gtid: { ...gtid, number } }),
        log.query({ text: 'BEGIN' }),
        log.tableMap(pair),
        log.rows({ type: EventType.writeRows, ...images, rows: [row, row] }),
        log.xid(),
      );
    }
    expect(host.maps.length).toBe(1);
    expect(host.ends.map(({ rows }) => rows)).toEqual([2, 2, 2, 2]);
    expect(session.rows().length).toBe(4);
  });

  test('whose batch is closed has its commit in the next one too', async () => {
    const session = new Session();
    const { log, decoder, writer } = session;
    await session.feed(log.gtid({ gtid }), log.query({ text: 'BEGIN' }), log.tableMap(pair));
    expect(decoder.midTransaction).toBe(false);
    await session.feed(log.rows({ type: EventType.writeRows, ...images, rows: [row], endsStatement: false }));
    expect(decoder.midTransaction).toBe(true);
    const [first] = session.rows();
    await session.feed(log.rows({ type: EventType.writeRows, ...images, rows: [row] }));
    expect(session.rows()).toEqual([{ ...first, ordinal: 2 }]);
    decoder.addCommit(writer);
    expect(session.close().commits).toMatchObject([{ position: first!.position }]);
  });

  test('of a tagged GTID has it, and what later servers say beside it does not count', () => {
    const session = new Session();
    const { log, host } = session;
    const tagged = { uuid, tag: 'nightly', number: 2n ** 40n };
    session.decode(log.taggedGtid({ gtid: tagged, commitTime: 1_700_000_000_000_001, originalCommitTime: 5 }, 'ignorable')).decode(log.query({ text: 'BEGIN' }));
    expect(host.begins).toMatchObject([{ gtid: tagged, time: 1_700_000_000_000_001, originalTime: 5 }]);
    const needed = log.taggedGtid({ gtid: tagged }, 'needed');
    expect(() => new Session().decode(needed)).toThrow(expect.objectContaining({ code: 'WEIR_BINLOG_UNSUPPORTED' }));
  });

  test.each<[string, (session: Session) => Uint8Array[], string]>([
    ['a GTID behind a GTID', ({ log }) => [log.gtid({ gtid }), log.gtid({ gtid })], 'a transaction starts inside another'],
    ['BEGIN in a transaction', ({ log }) => [log.query({ text: 'BEGIN' }), log.query({ text: 'BEGIN' })], 'a transaction starts inside another'],
    ['COMMIT outside', ({ log }) => [log.query({ text: 'COMMIT' })], 'no transaction is open'],
    ['ROLLBACK outside', ({ log }) => [log.query({ text: 'ROLLBACK' })], 'no transaction is open'],
    ['XID outside', ({ log }) => [log.gtid({ gtid }), log.xid()], 'no transaction is open'],
    ['a table outside', ({ log }) => [log.tableMap(pair)], 'no transaction is open'],
    ['rows outside', ({ log }) => [log.rows({ type: EventType.writeRows, ...images, rows: [row] })], 'no transaction is open'],
    ['a new file in a transaction', ({ log }) => [log.query({ text: 'BEGIN' }), log.rotate('binlog.000008', 4)], 'a log ends inside a transaction'],
    ['a format in a transaction', ({ log }) => [log.query({ text: 'BEGIN' }), log.format()], 'a log begins inside a transaction'],
    ['XA PREPARE outside', ({ log }) => [log.xaPrepare(1, int(1), int(1))], 'no such XA transaction is open'],
    ['an XA statement without a name', ({ log }) => [log.query({ text: 'XA START x' })], 'an XA statement without a name'],
    ['XA START in a transaction', ({ log }) => [log.query({ text: 'BEGIN' }), log.query({ text: "XA START X'61',X'',1" })], 'a transaction starts inside another'],
    ['the end of another XA transaction', ({ log }) => [log.query({ text: "XA START X'61',X'',1" }), log.query({ text: "XA COMMIT X'62',X'',1" })], 'the end of another XA transaction'],
  ])('out of place is damage: %s', (_what, events, message) => {
    const session = new Session();
    const feed = (): void => {
      for (const event of events(session)) session.decode(event);
    };
    expect(feed).toThrow(damaged(message));
  });
});
