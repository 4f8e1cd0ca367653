import { unchanged, type RowJudge } from '@weir/sdk';
import { describe, expect, test } from 'vitest';
import { MysqlType } from './cells/mysql-type.ts';
import { EventType } from './event-type.ts';
import type { TableMap } from './table-map.ts';
import { Session } from './testing/session.ts';
import { column, hex, int, intText, pair, varchar } from './testing/tables.ts';

const images = { tableId: pair.tableId, columns: 3 };
const row = [int(1), varchar('one'), null];
const insert = { type: EventType.writeRows, ...images, rows: [{ after: row }] } as const;

/** A session in a transaction. */
function inside(treatments: Readonly<Record<string, Parameters<Map<string, object>['set']>[1]>> = {}): Session {
  const session = new Session();
  for (const [name, treatment] of Object.entries(treatments)) session.host.treatments.set(name, treatment);
  return session.decode(session.log.query({ text: 'BEGIN' }));
}

describe('a table', () => {
  test('is announced to the host once, and again when it is another', async () => {
    const session = inside();
    const { log, host } = session;
    const wider: TableMap = { ...pair, columns: [...pair.columns, column(MysqlType.tiny, 0, { name: 'd' })] };
    await session.feed(log.tableMap(pair), log.rows(insert), log.tableMap(pair), log.rows(insert), log.tableMap(wider));
    await session.feed(log.rows({ ...insert, columns: 4, rows: [{ after: [...row, Uint8Array.of(9)] }] }));
    expect(host.maps).toEqual([pair, wider]);
    expect(session.rows()).toMatchObject([
      { table: 'pair@1', ordinal: 1 },
      { table: 'pair@1', ordinal: 2 },
      { table: 'pair@2', ordinal: 3, after: [intText(1), 'one', null, '\t'] },
    ]);
  });

  test('is forgotten at the end of its statement, and not before', async () => {
    const session = inside();
    const { log } = session;
    const open = { ...insert, endsStatement: false };
    const other = { ...pair, tableId: 200, name: 'other' };
    await session.feed(log.tableMap(pair), log.tableMap(other), log.rows(open), log.rows({ ...open, tableId: 200 }), log.rows(insert));
    expect(session.rows().map(({ table }) => table)).toEqual(['pair@1', 'other@2', 'pair@1']);
    expect(() => session.decode(log.rows(insert))).toThrow('rows of a table that this statement did not announce');
  });

  test.each([0xff_ffff, 0xffff_ffff_ffff])('of the number %i is none, and says that the statement has ended', async (tableId) => {
    const session = inside();
    const { log } = session;
    await session.feed(log.tableMap(pair), log.rows({ ...insert, endsStatement: false }), log.rows({ ...insert, tableId, columns: 0, rows: [] }));
    expect(() => session.decode(log.rows(insert))).toThrow('rows of a table that this statement did not announce');
    expect(() => session.decode(log.rows({ ...insert, tableId, rows: [], endsStatement: false }))).toThrow('rows of no table');
  });

  test('can be bound later, before the next event', async () => {
    const session = inside({ pair: { later: true } });
    const { log, host, decoder } = session;
    session.decode(log.tableMap(pair));
    const use = expect.objectContaining({ code: 'WEIR_SDK_USE' }) as unknown;
    expect(() => session.decode(log.rows(insert))).toThrow(use);
    expect(() => decoder.bind(pair, null)).toThrow(use);
    const map = host.maps[0]!;
    expect(() => decoder.bind(map, { ...host.bindingFor(map)!, decoders: [] })).toThrow(use);
    decoder.bind(map, host.bindingFor(map));
    await session.feed(log.rows(insert));
    expect(session.rows().length).toBe(1);
  });

  test('is bound anew when the host forgets it', () => {
    const session = inside();
    session.decode(session.log.tableMap(pair));
    session.decoder.forgetTables();
    session.decode(session.log.tableMap(pair));
    expect(session.host.maps.length).toBe(2);
  });

  test('of a type that is not known is passed over where nobody captures it', async () => {
    const strange: TableMap = { ...pair, columns: [pair.columns[0]!, column(20, MysqlType.long, { name: 'x' })], primaryKey: null };
    const bytes = hex('00 01000000 09000000 010203040506070809');
    const rows = { ...insert, columns: 2, rows: [{ after: [int(1), bytes] }] };
    // The element's type stands in the metadata.
    const announced = (session: Session): Uint8Array => {
      const map = session.log.tableMap({ ...strange, columns: [strange.columns[0]!, column(99, 0, { name: 'x' })] });
      return map;
    };
    const left = inside({ pair: { leftOut: true } });
    await left.feed(announced(left), left.log.rows(rows), left.log.xid());
    expect(left.host.ends).toMatchObject([{ rows: 1 }]);
    const captured = inside();
    captured.decode(announced(captured));
    expect(() => captured.decode(captured.log.rows(rows))).toThrow(expect.objectContaining({ code: 'WEIR_BINLOG_UNSUPPORTED' }));
  });
});

describe('rows', () => {
  test('that are skipped are counted, also in the middle of a transaction', async () => {
    const session = inside();
    const { log, host } = session;
    await session.feed(log.tableMap(pair), log.rows({ ...insert, endsStatement: false }));
    host.bindings.get('pair')!.skip = true;
    await session.feed(log.rows({ ...insert, rows: [{ after: row }, { after: row }], endsStatement: false }));
    host.bindings.get('pair')!.skip = false;
    await session.feed(log.rows(insert));
    const batch = session.close();
    expect([...batch.ordinal]).toEqual([1, 4]);
    expect(batch.skipped).toBe(2);
  });

  test('are judged one by one', async () => {
    const session = inside();
    const { log, host } = session;
    let seen = 0;
    const judge: RowJudge = { keeps: () => ++seen !== 2, truncated: () => {} };
    await session.feed(log.tableMap(pair));
    host.bindings.get('pair')!.judge = judge;
    await session.feed(log.rows({ ...insert, rows: [{ after: row }, { after: row }, { after: row }] }));
    const batch = session.close();
    expect([...batch.ordinal]).toEqual([1, 3]);
    expect(batch.skipped).toBe(1);
  });

  test('have only the columns that are captured', async () => {
    const session = inside({ pair: { cells: [null, 'doubled', null] } });
    const { log } = session;
    await session.feed(log.tableMap({ ...pair, primaryKey: null }), log.rows(insert));
    expect(session.rows()).toMatchObject([{ after: ['<oneone>'] }]);
  });

  test('of an insert without a column are refused, for its default is not in the log', () => {
    const session = inside();
    session.decode(session.log.tableMap(pair));
    const partial = session.log.rows({ ...insert, rows: [{ after: [int(1), undefined, null] }] });
    expect(() => session.decode(partial)).toThrow(expect.objectContaining({ code: 'WEIR_BINLOG_ROW_IMAGE', table: 'shop.pair' }));
    const uncaptured = inside({ pair: { cells: ['plain', null, 'plain'] } });
    uncaptured.decode(uncaptured.log.tableMap(pair)).decode(uncaptured.log.rows({ ...insert, rows: [{ after: [int(1), undefined, null] }] }));
    expect(uncaptured.rows()).toMatchObject([{ after: [intText(1), null] }]);
  });

  test('of a change without the key are refused, without one all columns are it', () => {
    for (const primaryKey of [pair.primaryKey, null]) {
      const session = inside();
      const before = primaryKey === null ? [int(1), varchar('a'), undefined] : [undefined, varchar('a'), null];
      session.decode(session.log.tableMap({ ...pair, primaryKey }));
      const event = session.log.rows({ type: EventType.deleteRows, ...images, rows: [{ before }] });
      expect(() => session.decode(event)).toThrow(expect.objectContaining({ code: 'WEIR_BINLOG_ROW_IMAGE' }));
    }
  });

  test('that are damaged leave those before them whole', async () => {
    const session = inside({ pair: { cells: ['plain', 'doubled', 'plain'] } });
    const { log } = session;
    await session.feed(log.tableMap(pair));
    const event = log.rows({ ...insert, rows: [{ after: row }, { after: row }, { after: [int(2), varchar('two'), hex('ff 01')] }] });
    expect(() => session.decode(event)).toThrow('binlog event WRITE_ROWS, byte 49: a value is cut off');
    expect(session.rows()).toMatchObject([{ ordinal: 1, after: [intText(1), '<oneone>', null] }, { ordinal: 2 }]);
  });

  test('of another number of columns than their table are damage', () => {
    const session = inside();
    session.decode(session.log.tableMap(pair));
    expect(() => session.decode(session.log.rows({ ...insert, columns: 2, rows: [{ after: [int(1), null] }] }))).toThrow(
      'rows of 2 columns, but their table has 3',
    );
  });

  test('without any column are damage', () => {
    const session = inside({ pair: { leftOut: true } });
    session.decode(session.log.tableMap(pair));
    const event = session.log.event(EventType.writeRows, hex('6c0000000000 0100 0200 03 00 ff'));
    expect(() => session.decode(event)).toThrow('rows without columns');
  });
});

describe('JSON values as differences', () => {
  const documents: TableMap = {
    ...pair,
    name: 'documents',
    columns: [pair.columns[0]!, column(MysqlType.json, 4, { name: 'j' }), pair.columns[1]!, column(MysqlType.json, 4, { name: 'k' })],
  };
  const json = (text: string): Uint8Array => Uint8Array.from([text.length, 0, 0, 0, ...Buffer.from(text)]);
  const update = { type: EventType.partialUpdateRows, tableId: pair.tableId, columns: 4 } as const;

  test('are given with the value that they change', async () => {
    const session = inside({ documents: { cells: ['plain', 'plain', null, 'plain'] } });
    const { log } = session;
    const before = [int(1), json('OLD'), varchar('x'), json('OTHER')];
    await session.feed(
      log.tableMap(documents),
      log.rows({ ...update, rows: [{ before, after: [int(1), json('d'), varchar('y'), json('NEW')], partial: { bits: [true, false] } }], endsStatement: false }),
      log.rows({ ...update, rows: [{ before, after: [int(1), null, varchar('y'), json('e')], partial: { bits: [false, true] } }], endsStatement: false }),
      log.rows({ ...update, rows: [{ before, after: [undefined, undefined, varchar('y'), json('f')], partial: { bits: [true, true] } }], endsStatement: false }),
      log.rows({ ...update, rows: [{ before, after: [int(2), json('WHOLE'), varchar('y'), json('g')], partial: { bits: null } }] }),
    );
    expect(session.rows().map(({ after }) => after)).toEqual([
      [intText(1), 'OLD+d', 'NEW'],
      [intText(1), null, 'OTHER+e'],
      [intText(1), 'OLD', 'OTHER+f'],
      [intText(2), 'WHOLE', 'g'],
    ]);
  });

  test('from one that the log does not have are refused', () => {
    const session = inside();
    const { log } = session;
    session.decode(log.tableMap(documents));
    const before = [int(1), undefined, varchar('x'), null];
    const event = log.rows({ ...update, rows: [{ before, after: [int(1), json('d'), varchar('y'), null], partial: { bits: [true, false] } }] });
    expect(() => session.decode(event)).toThrow(expect.objectContaining({ code: 'WEIR_BINLOG_ROW_IMAGE' }));
    expect(session.rows()).toEqual([]);
  });

  test('are passed over where nobody captures them', async () => {
    const session = inside({ documents: { leftOut: true } });
    const { log, host } = session;
    const before = [int(1), json('OLD'), varchar('x'), null];
    const rows = [{ before, after: [int(1), json('d'), varchar('y'), null], partial: { bits: [true, false] } }];
    await session.feed(log.tableMap(documents), log.rows({ ...update, rows: [...rows, ...rows] }), log.xid());
    expect(host.ends).toMatchObject([{ rows: 2 }]);
  });
});

test('an unchanged cell is never NULL', async () => {
  const session = inside();
  await session.feed(session.log.tableMap(pair), session.log.rows({ type: EventType.deleteRowsV1, ...images, rows: [{ before: [int(1), undefined, null] }] }));
  expect(session.rows()).toMatchObject([{ before: [intText(1), unchanged, null] }]);
});
