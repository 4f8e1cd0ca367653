import { describe, expect, test } from 'vitest';
import { EventType } from './event-type.ts';
import { Session } from './testing/session.ts';
import { int, intText, pair, varchar } from './testing/tables.ts';

const uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const prepared = { uuid, tag: '', number: 23n };
const committed = { uuid, tag: '', number: 25n };
const name = "X'6a',X'',1";
const global = Uint8Array.of(0x6a);
const branch = new Uint8Array(0);

async function prepare(session: Session, onePhase = false): Promise<void> {
  const { log } = session;
  await session.feed(
    log.gtid({ gtid: prepared }),
    log.query({ text: `XA START ${name}` }),
    log.tableMap(pair),
    log.rows({ type: EventType.writeRows, tableId: pair.tableId, columns: 3, rows: [{ after: [int(1), varchar('one'), null] }] }),
    log.query({ text: `XA END ${name}` }),
    log.xaPrepare(1, global, branch, { onePhase }),
  );
}

describe('an XA transaction', () => {
  test('has its rows under the GTID of its commit, however long that takes', async () => {
    const session = new Session();
    const { log, host, xa, decoder } = session;
    await prepare(session);
    expect(decoder.inTransaction).toBe(false);
    expect(session.rows()).toEqual([]);
    expect(host.ends).toEqual([]);
    await session.feed(log.gtid({ gtid: { ...prepared, number: 24n } }), log.query({ text: 'BEGIN' }), log.xid());
    const start = log.position;
    await session.feed(log.gtid({ gtid: committed, commitTime: 9 }), log.query({ text: `XA COMMIT ${name}` }));
    expect(xa.heard).toEqual([`start ${name}`, `prepare ${name}`, `commit ${name}`]);
    expect(host.begins.at(-1)).toEqual({
      gtid: committed,
      start: { file: 'binlog.000007', offset: start },
      time: 9,
      originalTime: 9,
      xid: name,
    });
    expect(host.ends.at(-1)).toMatchObject({ kind: 'commit', gtid: committed, rows: 1, end: { offset: log.position } });
    expect(session.rows()).toMatchObject([{ table: 'pair@1', ordinal: 1, position: `binlog.000007:${start}`, after: [intText(1), 'one', null] }]);
  });

  test('of one phase is committed by its PREPARE', async () => {
    const session = new Session();
    await prepare(session, true);
    expect(session.xa.heard).toEqual([`start ${name}`, `commit ${name}`]);
    expect(session.host.ends).toMatchObject([{ kind: 'commit', gtid: prepared, rows: 1 }]);
    expect(session.rows().length).toBe(1);
  });

  test('that is rolled back is forgotten', async () => {
    const session = new Session();
    const { log, host, xa, decoder } = session;
    await prepare(session);
    await session.feed(log.gtid({ gtid: committed }), log.query({ text: `XA ROLLBACK ${name}` }));
    expect(xa.heard).toEqual([`start ${name}`, `prepare ${name}`, `rollback ${name}`]);
    expect(xa.events.size).toBe(0);
    expect(host.begins).toEqual([]);
    expect(decoder.inTransaction).toBe(false);
    expect(session.rows()).toEqual([]);
  });

  test('has its statements heard as they come', async () => {
    const session = new Session();
    const { log, host } = session;
    await session.feed(log.query({ text: `XA START ${name}` }), log.query({ text: 'DELETE FROM t' }));
    expect(host.statements).toMatchObject([{ kind: 'data', inTransaction: true }]);
  });

  test('is unsupported where nobody keeps it', () => {
    const session = new Session({ xa: false });
    expect(() => session.decode(session.log.query({ text: `XA START ${name}` }))).toThrow(
      expect.objectContaining({ code: 'WEIR_BINLOG_UNSUPPORTED' }),
    );
  });

  test('is replayed before anything else, and only when it was committed', async () => {
    const session = new Session();
    const { log, decoder } = session;
    const use = expect.objectContaining({ code: 'WEIR_SDK_USE' }) as unknown;
    expect(() => decoder.beginReplay()).toThrow(use);
    await prepare(session);
    expect(() => decoder.commitReplay()).toThrow(use);
    session.decode(log.gtid({ gtid: committed })).decode(log.query({ text: `XA COMMIT ${name}` }));
    expect(() => decoder.commitReplay()).toThrow(use);
    expect(() => session.decode(log.gtid({ gtid: committed }))).toThrow(use);
    expect(decoder.inTransaction).toBe(true);
    decoder.beginReplay();
    decoder.commitReplay();
    expect(session.host.ends).toMatchObject([{ kind: 'commit', rows: 0 }]);
    expect(decoder.inTransaction).toBe(false);
  });
});

describe('an XA transaction of MariaDB', () => {
  test('is named by its GTID events', async () => {
    const session = new Session({ flavour: 'mariadb' });
    const { log, host, xa } = session;
    const gtid = { domain: 0, server: 1, sequence: 7n };
    const named = { format: 1, global, branch };
    const rows = { type: EventType.writeRowsV1, tableId: pair.tableId, columns: 3, rows: [{ after: [int(1), varchar('one'), null] }] };
    await session.feed(
      log.mariadbGtid({ gtid, xa: { step: 'prepare', ...named } }),
      log.tableMap(pair),
      log.compressed(rows),
      log.xaPrepare(1, global, branch),
      log.mariadbGtid({ gtid: { ...gtid, sequence: 8n }, xa: { step: 'complete', ...named } }),
      log.query({ text: "XA COMMIT X'6A',X'',1" }),
    );
    expect(xa.heard).toEqual([`start ${name}`, `prepare ${name}`, `commit ${name}`]);
    expect(host.ends).toMatchObject([{ kind: 'commit', gtid: { sequence: 8n }, rows: 1 }]);
    expect(session.rows().length).toBe(1);
  });

  test('of one phase is a transaction as others', async () => {
    const session = new Session({ flavour: 'mariadb' });
    const { log, host } = session;
    const gtid = { domain: 0, server: 1, sequence: 7n };
    await session.feed(log.mariadbGtid({ gtid }), log.query({ text: `XA COMMIT ${name} ONE PHASE` }));
    await session.feed(log.mariadbGtid({ gtid }), log.query({ text: `XA ROLLBACK ${name}` }));
    expect(host.ends).toMatchObject([{ kind: 'commit' }, { kind: 'rollback' }]);
  });
});
