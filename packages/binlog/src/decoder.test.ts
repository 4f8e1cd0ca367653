import { Op, unchanged } from '@weir/sdk';
import { describe, expect, test } from 'vitest';
import { EventType } from './event-type.ts';
import { Session } from './testing/session.ts';
import { int, intText, pair, varchar } from './testing/tables.ts';

const uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const gtid = { uuid, tag: '', number: 23n };
const columns = 3;
const { tableId } = pair;

/** A session inside a transaction that has announced the table. */
async function inside(): Promise<Session> {
  const session = new Session();
  const { log } = session;
  return session.feed(log.gtid({ gtid, commitTime: 1_700_000_000_123_456 }), log.query({ text: 'BEGIN' }), log.tableMap(pair));
}

const row = [int(1), varchar('one'), null];
const changed = [int(1), varchar('two'), varchar('!')];

describe('a transaction of MySQL', () => {
  test('gives its rows, numbered from 1, between begin and commit', async () => {
    const session = new Session();
    const { log, host } = session;
    await session.feed(
      log.gtid({ gtid, commitTime: 1_700_000_000_123_456, originalCommitTime: 1_600_000_000_654_321, length: 500 }),
      log.query({ text: 'BEGIN' }),
      log.tableMap(pair),
      log.rows({ type: EventType.writeRows, tableId, columns, rows: [{ after: row }, { after: changed }], endsStatement: false }),
      log.rows({ type: EventType.updateRows, tableId, columns, rows: [{ before: row, after: changed }] }),
      log.tableMap(pair),
      log.rows({ type: EventType.deleteRows, tableId, columns, rows: [{ before: changed }] }),
      log.xid(),
    );

    const begin = host.begins[0]!;
    expect(begin).toEqual({
      gtid,
      start: { file: 'binlog.000007', offset: begin.start.offset },
      time: 1_700_000_000_123_456,
      originalTime: 1_600_000_000_654_321,
      xid: null,
    });
    expect(host.ends).toEqual([
      { kind: 'commit', gtid, end: { file: 'binlog.000007', offset: log.position }, rows: 4, time: 1_700_000_000_123_456 },
    ]);
    expect(host.maps).toEqual([pair]);
    const place = { table: 'pair@1', position: `binlog.000007:${begin.start.offset}` };
    const first = [intText(1), 'one', null];
    const second = [intText(1), 'two', '!'];
    expect(session.rows()).toEqual([
      { ...place, op: Op.insert, ordinal: 1, after: first, before: null },
      { ...place, op: Op.insert, ordinal: 2, after: second, before: null },
      { ...place, op: Op.update, ordinal: 3, after: second, before: first },
      { ...place, op: Op.delete, ordinal: 4, after: null, before: second },
    ]);
  });

  test('that is left out is counted and not delivered', async () => {
    const session = new Session();
    const { log, host } = session;
    host.delivered.add(`${uuid}:23`);
    await session.feed(
      log.gtid({ gtid }),
      log.query({ text: 'BEGIN' }),
      log.tableMap(pair),
      log.rows({ type: EventType.writeRowsV1, tableId, columns, rows: [{ after: row }, { after: changed }] }),
      log.query({ text: 'COMMIT' }),
    );
    expect(host.ends).toMatchObject([{ kind: 'commit', rows: 2 }]);
    expect(session.rows()).toEqual([]);
  });
});

describe('an image without some columns', () => {
  test('of an update has them from the before image, or unchanged', async () => {
    const session = await inside();
    const before = [int(1), varchar('one'), undefined];
    await session.feed(
      session.log.rows({ type: EventType.updateRows, tableId, columns, rows: [{ before, after: [undefined, undefined, varchar('new')] }] }),
      session.log.tableMap(pair),
      session.log.rows({ type: EventType.updateRows, tableId, columns, rows: [{ before, after: [undefined, null, undefined] }] }),
    );
    expect(session.rows()).toMatchObject([
      { before: [intText(1), 'one', unchanged], after: [intText(1), 'one', 'new'] },
      { before: [intText(1), 'one', unchanged], after: [intText(1), null, unchanged] },
    ]);
  });

  test('of a delete has them unchanged', async () => {
    const session = await inside();
    await session.feed(session.log.rows({ type: EventType.deleteRows, tableId, columns, rows: [{ before: [int(7), undefined, undefined] }] }));
    expect(session.rows()).toMatchObject([{ before: [intText(7), unchanged, unchanged], after: null }]);
  });
});
