import { describe, expect, test } from 'vitest';
import { inflateEvent } from './inflate-event.ts';
import { EventType } from './event-type.ts';
import { Session } from './testing/session.ts';
import { int, intText, pair, varchar } from './testing/tables.ts';

const gtid = { domain: 3, server: 1001, sequence: 42n };
const rows = { type: EventType.writeRowsV1, tableId: pair.tableId, columns: 3, rows: [{ after: [int(1), varchar('one'), null] }] };

describe('MariaDB', () => {
  test('names a server and its format', () => {
    const { host } = new Session({ flavour: 'mariadb' });
    expect(host.formats).toEqual([{ flavour: 'mariadb', serverVersion: '11.4.2-MariaDB-log', checksums: true, created: 0, begun: 1_700_000_000 }]);
  });

  test('begins a transaction by its GTID', async () => {
    const session = new Session({ flavour: 'mariadb' });
    const { log, host } = session;
    await session.feed(log.mariadbGtid({ gtid, groupCommit: true }), log.tableMap(pair), log.rows(rows), log.query({ text: 'COMMIT' }));
    expect(host.begins).toMatchObject([{ gtid, time: 1_700_000_000_000_000, originalTime: 1_700_000_000_000_000 }]);
    expect(host.ends).toMatchObject([{ kind: 'commit', gtid, rows: 1 }]);
    expect(session.rows()).toMatchObject([{ after: [intText(1), 'one', null] }]);
  });

  test.each(['start', 'commit', 'rollback'] as const)('says which phase of an ALTER a statement is: %s', async (alter) => {
    const session = new Session({ flavour: 'mariadb' });
    const { log, host } = session;
    await session.feed(log.mariadbGtid({ gtid, standalone: true, ddl: true, alter }), log.query({ text: 'ALTER TABLE t ADD b INT' }));
    expect(host.statements).toMatchObject([{ kind: 'definition', alter, inTransaction: false }]);
    expect(host.ends).toMatchObject([{ kind: 'statement', gtid }]);
  });

  test('compresses statements and rows', async () => {
    const session = new Session({ flavour: 'mariadb' });
    const { log, host } = session;
    await session.feed(
      log.mariadbGtid({ gtid, standalone: true }),
      log.compressed({ text: `CREATE TABLE t (a INT COMMENT '${'x'.repeat(500)}')`, database: 'shop' }),
      log.mariadbGtid({ gtid }),
      log.tableMap(pair),
      log.compressed({ ...rows, type: EventType.writeRows, endsStatement: false }),
      log.compressed({ ...rows, type: EventType.updateRowsV1, rows: [{ before: rows.rows[0]!.after, after: [int(2), null, varchar('two')] }] }),
      log.xid(),
    );
    expect(host.statements).toMatchObject([{ database: 'shop', inTransaction: false }]);
    expect(host.statements[0]!.text).toContain('x'.repeat(500));
    expect(host.ends).toMatchObject([{ kind: 'statement' }, { kind: 'commit', rows: 2 }]);
    expect(session.rows()).toMatchObject([{ ordinal: 1, after: [intText(1), 'one', null] }, { ordinal: 2, after: [intText(2), null, 'two'] }]);
  });

  test.each<[string, (event: Uint8Array) => Uint8Array, string]>([
    ['an event that is not compressed', (event) => event.with(4, EventType.query), 'it is not compressed'],
    ['another algorithm', (event) => event.with(33, 0x94), 'compression of kind 1'],
    ['no size', (event) => event.with(33, 0x80), 'a size of no length'],
    ['a size that no content has', (event) => event.with(34, 0x7f), 'it would be larger than it can be'],
    ['another size', (event) => event.with(37, 3), 'its content cannot be inflated'],
    ['a stream that is none', (event) => event.with(38, 0xff), 'its content cannot be inflated'],
  ])('refuses %s', (_what, change, message) => {
    const { log } = new Session({ flavour: 'mariadb', checksums: false });
    const event = log.compressed({ text: 'DROP TABLE t' });
    expect(Buffer.from(inflateEvent(event)).toString('latin1')).toContain('DROP TABLE t');
    expect(() => inflateEvent(change(event))).toThrow(message);
  });
});
