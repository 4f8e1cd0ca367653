import { BATCH_ROWS, BatchWriter, Op, unchanged } from '@weir/sdk';
import { describe, expect, test } from 'vitest';
import { PgoutputDecoder } from './decoder.ts';
import {
  encodeBegin,
  encodeCommit,
  encodeDelete,
  encodeInsert,
  encodeMessage,
  encodeOrigin,
  encodeRelation,
  encodeTruncate,
  encodeUpdate,
} from './message-encoder.ts';
import type { Relation } from './relation.ts';
import { captured, hex } from './testing/captured-session.ts';
import { doubled, dropFirstByte } from './testing/recording-host.ts';
import { Session } from './testing/session.ts';

const FIRST_COMMIT = 0x178a9a0n;
const long = (letter: string, length: number): string => letter.repeat(length);

/** Decodes captured messages inside one transaction whose tables have been announced, and returns the rows. */
function decodeCaptured(...names: (keyof typeof captured)[]) {
  const session = new Session();
  const tables = ['itemRelation', 'fullItemRelation', 'keyNoteRelation'] as const;
  return session.feed(...(['begin', ...tables, ...names, 'commit'] as const).map((name) => hex(captured[name]))).rows();
}

describe('what PostgreSQL sent', () => {
  const common = { position: String(FIRST_COMMIT), after: null, before: null };
  const item = { ...common, table: 'item@1' };
  const fullItem = { ...common, table: 'full_item@2' };

  test('inserts', () => {
    expect(decodeCaptured('moodType', 'insertOne', 'insertTwo')).toEqual([
      { ...item, op: Op.insert, ordinal: 1, after: ['1', null, '12.50', 'ok'] },
      { ...item, op: Op.insert, ordinal: 2, after: ['2', long('x', 3000), '-1.00', null] },
    ]);
  });

  test('an update without an old row: unchanged is not NULL, and there is no before image', () => {
    expect(decodeCaptured('updateUnchanged')).toEqual([
      { ...item, op: Op.update, ordinal: 1, after: ['2', unchanged, '3.00', null] },
    ]);
  });

  test('a changed key: what lies outside the replica identity was not sent', () => {
    const notSent = [unchanged, unchanged, unchanged];
    expect(decodeCaptured('updateKey', 'deleteKey')).toEqual([
      { ...item, op: Op.update, ordinal: 1, before: ['1', ...notSent], after: ['3', null, '12.50', 'ok'] },
      { ...item, op: Op.delete, ordinal: 2, before: ['2', ...notSent] },
    ]);
  });

  test('replica identity full: an unchanged cell takes the old row’s', () => {
    const note = long('y', 2100);
    expect(decodeCaptured('updateFull', 'deleteFull')).toEqual([
      { ...fullItem, op: Op.update, ordinal: 1, before: ['1', note], after: ['9', note] },
      { ...fullItem, op: Op.delete, ordinal: 2, before: ['2', 'short'] },
    ]);
  });

  test('a key stored out of line: the old key fills the unchanged cell', () => {
    const code = long('k', 2200);
    expect(decodeCaptured('updateLongKey')).toEqual([
      { ...common, table: 'key_note@3', op: Op.update, ordinal: 1, before: [code, unchanged], after: [code, '2'] },
    ]);
  });

  test('truncate: a row for each table, each with its ordinal', () => {
    expect(decodeCaptured('truncate')).toEqual([
      { ...item, op: Op.truncate, ordinal: 1 },
      { ...fullItem, op: Op.truncate, ordinal: 2 },
    ]);
  });

  test('logical messages: the transactional one has a place in the order, the other has none', () => {
    const hello = Buffer.from('héllo').toString('latin1');
    expect(decodeCaptured('message', 'looseMessage', 'insertOne')).toEqual([
      { ...common, table: '', op: Op.message, ordinal: 1, after: ['weir', hello] },
      { ...item, op: Op.insert, ordinal: 2, after: ['1', null, '12.50', 'ok'] },
    ]);
    expect(new Session().feed(hex(captured.looseMessage)).rows()).toEqual([]);
  });

  test('a transaction’s begin and end, times in microseconds since 1970', () => {
    const session = new Session();
    session.feed(hex(captured.begin));
    expect(session.decoder.inTransaction).toBe(true);
    session.feed(hex(captured.commit));
    expect(session.decoder.inTransaction).toBe(false);
    const time = 946_684_800_000_000 + 0x0303c6318ed021;
    expect(session.host.begins).toEqual([{ commitLsn: FIRST_COMMIT, time, transactionId: 753 }]);
    expect(session.host.commits).toEqual([{ commitLsn: FIRST_COMMIT, endLsn: 0x178a9d0n, time }]);
  });

  test('a relation, with type modifiers', () => {
    const session = new Session().feed(hex(captured.itemRelation));
    expect(session.host.relations).toEqual([
      {
        oid: 0x4007,
        namespace: 'shop',
        name: 'item',
        replicaIdentity: 'd',
        columns: [
          { name: 'id', typeOid: 23, typeModifier: -1, isKey: true },
          { name: 'note', typeOid: 25, typeModifier: -1, isKey: false },
          { name: 'price', typeOid: 1700, typeModifier: 655_366, isKey: false },
          { name: 'mood', typeOid: 0x4002, typeModifier: -1, isKey: false },
        ],
      },
    ]);
  });
});

const items: Relation = {
  oid: 0xffff_fff0,
  namespace: 'pg_catalog',
  name: 'items',
  replicaIdentity: 'i',
  columns: ['id', 'note', 'price'].map((name, index) => ({ name, typeOid: 25, typeModifier: -1, isKey: index === 0 })),
};
const begin = (commitLsn: bigint) => encodeBegin({ commitLsn, time: 1_700_000_000_123_456, transactionId: 0xffff_ffff });
const commit = (commitLsn: bigint) => encodeCommit({ commitLsn, endLsn: commitLsn + 8n, time: 1_700_000_000_123_456 });
const insert = (id: string) => encodeInsert(items.oid, [id, 'note', null]);

describe('transactions', () => {
  test('ordinals count every row event, those left out included (invariant 2)', () => {
    const session = new Session().feed(encodeRelation(items), begin(1n), insert('1'));
    const binding = session.host.bindings.get(items.oid)!;
    binding.skip = true;
    session.feed(insert('2'), encodeTruncate([items.oid]));
    binding.skip = false;
    session.feed(insert('3'), commit(1n), begin(2n), insert('4'));
    const batch = session.close();
    expect(Array.from(batch.ordinal)).toEqual([1, 4, 1]);
    expect(batch.skipped).toBe(2);
  });

  test('a judge leaves rows out, which are counted and numbered, and hears of a truncate, which stays', () => {
    const session = new Session().feed(encodeRelation(items), begin(1n));
    const truncated: number[] = [];
    session.host.bindings.get(items.oid)!.judge = {
      keeps: (writer) => Buffer.from(writer.cellAt(writer.lastRow.after) as Uint8Array).toString() !== '2',
      truncated: () => truncated.push(session.writer.rows),
    };
    session.feed(insert('1'), insert('2'), encodeTruncate([items.oid]), insert('3'), commit(1n));
    const batch = session.close();
    expect(Array.from(batch.op)).toEqual([Op.insert, Op.truncate, Op.insert]);
    expect(Array.from(batch.ordinal)).toEqual([1, 3, 4]);
    expect([batch.skipped, truncated]).toEqual([1, [1]]);
  });

  test('rows of an unbound table are left out and not counted, but numbered', () => {
    const session = new Session();
    const other = { ...items, oid: 7 };
    session.host.treatments.set(other.oid, { leftOut: true });
    session.feed(encodeRelation(items), encodeRelation(other), begin(1n));
    session.feed(encodeInsert(other.oid, ['1', null, null]), encodeTruncate([other.oid, items.oid]));
    session.feed(insert('2'), commit(1n));
    const batch = session.close();
    expect(Array.from(batch.op)).toEqual([Op.truncate, Op.insert]);
    expect(Array.from(batch.ordinal)).toEqual([3, 4]);
    expect(batch.skipped).toBe(0);
  });

  test('a transaction that was delivered before leaves no row, and its commit is a boundary', () => {
    const session = new Session();
    session.host.delivered.add(1n);
    const message = encodeMessage(true, 1n, 'prefix', new Uint8Array(0));
    session.feed(begin(1n), encodeRelation(items), insert('1'), encodeTruncate([items.oid]), message);
    expect(session.decoder.inTransaction).toBe(true);
    session.feed(commit(1n), begin(2n), insert('2'), commit(2n));
    expect(session.host.commits.map(({ endLsn }) => endLsn)).toEqual([9n, 10n]);
    const batch = session.close();
    expect(batch.commits.map(({ position }) => position)).toEqual(['2']);
    expect(batch.skipped).toBe(0);
    expect(batch.rows).toBe(1);
  });

  test('a transaction without rows is in no batch', () => {
    const session = new Session().feed(begin(1n), encodeOrigin(5n, 'elsewhere'), commit(1n));
    expect(session.writer.pending).toBe(false);
    expect(session.close().commits).toEqual([]);
  });

  test('is in the middle from its first event on, or from where a batch has its commit', () => {
    const session = new Session().feed(encodeRelation(items));
    const { decoder } = session;
    session.host.bindings.get(items.oid)!.skip = true;
    expect(decoder.midTransaction).toBe(false);
    session.feed(begin(1n));
    expect(decoder.midTransaction, 'nothing has come of it').toBe(false);
    session.feed(insert('1'));
    expect(decoder.midTransaction, 'also when that is left out').toBe(true);
    session.feed(commit(1n), begin(2n));
    expect(decoder.midTransaction).toBe(false);
    decoder.addCommit(session.writer);
    expect(decoder.midTransaction).toBe(true);
    session.feed(commit(2n));
    expect(decoder.midTransaction).toBe(false);
  });

  test('may be put among the commits of a batch without a row, once, unless it is left out', () => {
    const session = new Session().feed(encodeRelation(items));
    session.host.delivered.add(2n);
    session.decoder.addCommit(session.writer);
    for (const lsn of [1n, 2n]) {
      session.feed(begin(lsn));
      session.decoder.addCommit(session.writer);
      session.decoder.addCommit(session.writer);
      session.feed(insert('1'), commit(lsn));
    }
    const batch = session.close();
    expect(batch.commits.map(({ position }) => position)).toEqual(['1']);
    expect(Array.from(batch.commit)).toEqual([0]);
  });

  test('a batch of another writer has its commit again, too', () => {
    const session = new Session().feed(encodeRelation(items), begin(1n), insert('1'));
    const other = new BatchWriter();
    const row = insert('2');
    const start = other.append(row);
    session.decoder.decode(other, start, start + row.length);
    for (const batch of [session.close(), other.close(null)]) {
      expect(batch.commits.map(({ position }) => position)).toEqual(['1']);
      expect(Array.from(batch.commit)).toEqual([0]);
    }
  });

  test('a batch that is started in the middle of a transaction has its commit again', () => {
    const session = new Session().feed(encodeRelation(items), begin(1n), insert('1'), commit(1n), begin(2n), insert('2'));
    const first = session.close();
    session.feed(insert('3'), commit(2n), begin(3n), insert('4'));
    const second = session.close();
    expect(first.commits.map(({ position }) => position)).toEqual(['1', '2']);
    expect(second.commits.map(({ position }) => position)).toEqual(['2', '3']);
    expect(Array.from(second.commit)).toEqual([0, 1]);
    expect(Array.from(second.ordinal)).toEqual([2, 1]);
  });

  test('a batch may be closed in the commit', () => {
    const session = new Session();
    const closed: number[] = [];
    session.host.onCommit = () => {
      expect(session.decoder.inTransaction).toBe(false);
      closed.push(session.close().rows);
    };
    session.feed(encodeRelation(items), begin(1n), insert('1'), insert('2'), commit(1n), begin(2n), insert('3'), commit(2n));
    expect(closed).toEqual([2, 1]);
  });

  test('a batch grows past its limits when nobody closes it', () => {
    const session = new Session().feed(encodeRelation(items), begin(1n));
    for (let row = 0; row < BATCH_ROWS + 10; row++) session.feed(insert(String(row)));
    const rows = session.rows();
    expect(rows.length).toBe(BATCH_ROWS + 10);
    expect(rows.at(-1)).toMatchObject({ ordinal: BATCH_ROWS + 10, after: [String(BATCH_ROWS + 9), 'note', null] });
  });
});

describe('relations', () => {
  test('an empty namespace is pg_catalog; an oid has 32 bits', () => {
    const session = new Session().feed(encodeRelation(items));
    expect(session.host.relations).toEqual([items]);
  });

  test.each(['d', 'n', 'f', 'i'] as const)('may have the replica identity %s', (replicaIdentity) => {
    const session = new Session().feed(encodeRelation({ ...items, replicaIdentity }));
    expect(session.host.relations).toMatchObject([{ replicaIdentity }]);
  });

  test('have their names to the letter, a byte order mark in front included', () => {
    const odd = { ...items, namespace: '\ufeffs', name: '\ufeff Ünï' };
    expect(new Session().feed(encodeRelation(odd)).host.relations).toEqual([odd]);
  });

  test('may be bound later, before their first row', () => {
    const session = new Session();
    const heard: Relation[] = [];
    const decoder = new PgoutputDecoder({
      relation: (relation) => {
        heard.push(relation);
        return 'later';
      },
      begin: (each) => session.host.begin(each),
      commit: () => {},
    });
    const feed = (message: Uint8Array): void => {
      const start = session.writer.append(message);
      decoder.decode(session.writer, start, start + message.length);
    };
    feed(encodeRelation(items));
    expect(heard).toEqual([items]);
    feed(begin(1n));
    expect(() => feed(insert('1'))).toThrow('a relation that was not announced');
    decoder.bind(items, session.host.relation(items));
    feed(insert('2'));
    expect(session.rows()).toMatchObject([{ table: 'items@1', after: ['2', 'note', null] }]);
  });

  test('of a key that holds NULL: it is NULL, and what lies outside was not sent', () => {
    const old = { kind: 'K' as const, cells: [null, null, null] };
    const session = new Session().feed(encodeRelation(items), begin(1n), encodeDelete(items.oid, old));
    expect(session.rows()).toMatchObject([{ op: Op.delete, before: [null, unchanged, unchanged] }]);
  });

  test('rows that are left out may hold whatever others may', () => {
    const session = new Session().feed(encodeRelation(items), begin(1n));
    session.host.bindings.get(items.oid)!.skip = true;
    session.feed(encodeInsert(items.oid, ['1', '', '']), encodeUpdate(items.oid, null, ['1', unchanged, null]));
    session.feed(encodeUpdate(items.oid, { kind: 'O', cells: ['1', null, ''] }, ['2', 'x', unchanged]));
    expect(session.close().skipped).toBe(3);
  });

  test('a second announcement replaces the first, in the middle of a transaction too', () => {
    const changed = { ...items, columns: items.columns.slice(0, 2) };
    const session = new Session().feed(encodeRelation(items), begin(1n), insert('1'));
    session.feed(encodeRelation(changed), encodeInsert(items.oid, ['2', 'two']), commit(1n));
    expect(session.rows().map(({ table, after }) => [table, after])).toEqual([
      ['items@1', ['1', 'note', null]],
      ['items@2', ['2', 'two']],
    ]);
  });
});

describe('rewrites', () => {
  const rewriting = () => {
    const session = new Session();
    session.host.treatments.set(items.oid, { rewrites: [null, dropFirstByte, doubled] });
    return session.feed(encodeRelation(items), begin(1n));
  };

  test('in place and into the spill, in both images, text only', () => {
    const session = rewriting().feed(
      encodeUpdate(items.oid, { kind: 'O', cells: ['1', 'old', 'a'] }, ['2', 'new', 'b']),
      encodeDelete(items.oid, { kind: 'O', cells: ['1', '', ''] }),
      encodeUpdate(items.oid, { kind: 'O', cells: ['1', null, null] }, [unchanged, null, unchanged]),
    );
    expect(session.rows().map(({ before, after }) => [before, after])).toEqual([
      [['1', 'ld', '<aa>'], ['2', 'ew', '<bb>']],
      [['1', '', '<>'], null],
      [['1', null, null], ['1', null, null]],
    ]);
  });

  test('a cell that both images share is rewritten once', () => {
    const session = rewriting().feed(
      encodeUpdate(items.oid, { kind: 'O', cells: ['1', 'long', 'wide'] }, ['2', unchanged, unchanged]),
    );
    expect(session.rows()).toMatchObject([{ before: ['1', 'ong', '<widewide>'], after: ['2', 'ong', '<widewide>'] }]);
  });

  test('bytes around the cell are left alone', () => {
    const session = rewriting();
    session.writer.append(Uint8Array.of(1, 2, 3));
    session.feed(encodeInsert(items.oid, ['1', 'abc', 'd']));
    const batch = session.close();
    const [id, note] = [batch.start[0]!, batch.start[1]!];
    expect(Array.from(batch.data.subarray(id, note + 4))).toEqual([...hex('31 74 00000003'), ...Buffer.from('bcct')]);
  });

  test('a rewrite that outgrows its place is a fault of the connector', () => {
    const session = new Session();
    const wrong = { place: 'slab', rewrite: (_data: Uint8Array, _start: number, length: number) => length + 1 } as const;
    session.host.treatments.set(items.oid, { rewrites: [null, null, wrong] });
    session.feed(encodeRelation(items), begin(1n), insert('1'));
    const row = encodeInsert(items.oid, ['2', 'x', 'y']);
    expect(() => session.feed(row)).toThrow(expect.objectContaining({ code: 'WEIR_SDK_USE' }));
    expect(session.rows()).toMatchObject([{ after: ['1', 'note', null] }]);
  });
});
