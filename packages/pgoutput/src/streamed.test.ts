import { Op } from '@weir/sdk';
import { describe, expect, test } from 'vitest';
import {
  encodeBegin,
  encodeCommit,
  encodeInsert,
  encodeRelation,
  encodeStreamAbort,
  encodeStreamCommit,
  encodeStreamStart,
  encodeStreamStop,
  encodeStreamed,
} from './message-encoder.ts';
import type { Relation } from './relation.ts';
import { hex } from './testing/captured-session.ts';
import { streams } from './testing/captured-streams.ts';
import { Session } from './testing/session.ts';

type Name = keyof typeof streams;
const bytes = (...names: Name[]): Uint8Array[] => names.map((name) => hex(streams[name]));
const streaming = (): Session => new Session({ version: 4, streaming: true });

const items: Relation = {
  oid: 7,
  namespace: 's',
  name: 'items',
  replicaIdentity: 'd',
  columns: [{ name: 'id', typeOid: 23, typeModifier: -1, isKey: true }],
};
const insert = (id: string): Uint8Array => encodeInsert(items.oid, [id]);
const plain = (commitLsn: bigint, ...messages: Uint8Array[]): Uint8Array[] => [
  encodeBegin({ commitLsn, time: 0, transactionId: Number(commitLsn) }),
  ...messages,
  encodeCommit({ commitLsn, endLsn: commitLsn + 8n, time: 0 }),
];
const block = (transactionId: number, first: boolean, ...messages: Uint8Array[]): Uint8Array[] => [
  encodeStreamStart({ transactionId, first }),
  ...messages,
  encodeStreamStop(),
];
const commit = (transactionId: number, commitLsn: bigint): Uint8Array =>
  encodeStreamCommit({ transactionId, commitLsn, endLsn: commitLsn + 8n, time: 0 });
const abort = (transactionId: number, subtransactionId = transactionId): Uint8Array =>
  encodeStreamAbort({ transactionId, subtransactionId, lsn: null, time: null });

describe('what PostgreSQL streamed', () => {
  test('is a transaction at its commit, in its place of the order', () => {
    const session = streaming().feed(...bytes('start', 'type', 'relation', 'insertOne'));
    expect(session.decoder.inStreamBlock).toBe(true);
    expect(session.decoder.inTransaction).toBe(false);
    session.feed(...bytes('stop', 'startAgain', 'message', 'stop'), encodeRelation(items), ...plain(9n, insert('1')));
    expect(session.decoder.inStreamBlock).toBe(false);
    expect(session.kept.sizes).toEqual({ 0x2f2: 4 });
    session.feed(...bytes('commit'));
    expect(session.rows()).toMatchObject([
      { position: '9', ordinal: 1, after: ['1'] },
      { position: String(0x1851010), op: Op.insert, table: 'item@2', ordinal: 1, after: ['1', 'x'.repeat(100), 'ok'] },
      { position: String(0x1851010), op: Op.message, ordinal: 2, after: ['top', 'kept'] },
    ]);
    const time = 946_684_800_000_000 + 0x03041c7defe4e3;
    expect(session.host.begins[1]).toEqual({ commitLsn: 0x1851010n, time, transactionId: 0x2f2 });
    expect(session.host.commits[1]).toEqual({ commitLsn: 0x1851010n, endLsn: 0x18510f0n, time });
    expect(session.kept.sizes).toEqual({});
  });

  test('of a subtransaction is gone when that is rolled back, and is not numbered (invariant 2)', () => {
    const session = streaming();
    session.feed(...bytes('start', 'relation', 'insertOne', 'insertInSavepoint', 'stop', 'abortSavepoint'));
    session.feed(...bytes('startAgain', 'relationOther', 'truncate', 'delete', 'stop', 'commit'));
    expect(session.rows()).toMatchObject([
      { op: Op.insert, table: 'item@1', ordinal: 1 },
      { op: Op.truncate, table: 'other@2', ordinal: 2 },
      { op: Op.delete, table: 'item@1', ordinal: 3 },
    ]);
    expect(session.kept.aborts).toEqual([{ transactionId: 0x2f2, subtransactionId: 0x2f3, lsn: null, time: null }]);
  });

  test('in parallel mode says where and when it was rolled back', () => {
    const session = streaming().feed(...bytes('abortSavepointParallel'));
    const time = 946_684_800_000_000 + 0x03041c90773766;
    expect(session.kept.aborts).toEqual([{ transactionId: 0x2f2, subtransactionId: 0x2f3, lsn: 0x180bcd0n, time }]);
  });

  test('under an origin says so once, without an id', () => {
    const session = streaming().feed(...bytes('start', 'origin', 'relation', 'insertOne', 'stop', 'commit'));
    expect(session.rows()).toMatchObject([{ ordinal: 1 }]);
  });
});

describe('streamed transactions', () => {
  test('interleave with each other and with whole ones; each has its own numbers', () => {
    const session = streaming().feed(encodeRelation(items));
    session.feed(...block(1, true, encodeStreamed(1, insert('a1'))), ...block(2, true, encodeStreamed(2, insert('b1'))));
    session.feed(...plain(10n, insert('c1')), ...block(1, false, encodeStreamed(9, insert('a2'))), commit(2, 20n));
    session.feed(...block(3, true, encodeStreamed(3, insert('d1'))), abort(3), commit(1, 30n), ...plain(40n, insert('e1')));
    expect(session.rows().map(({ position, ordinal, after }) => [position, ordinal, after![0]])).toEqual([
      ['10', 1, 'c1'],
      ['20', 1, 'b1'],
      ['30', 1, 'a1'],
      ['30', 2, 'a2'],
      ['40', 1, 'e1'],
    ]);
    expect(session.host.commits.map(({ endLsn }) => endLsn)).toEqual([18n, 28n, 38n, 48n]);
  });

  test('an id may be used again after its transaction was rolled back, and an abort may name one of which nothing came', () => {
    const session = streaming().feed(encodeRelation(items), ...block(1, true, encodeStreamed(1, insert('1'))), abort(1));
    session.feed(abort(5), abort(5, 6), ...block(1, true, encodeStreamed(1, insert('2'))), commit(1, 10n));
    expect(session.rows().map(({ after }) => after)).toEqual([['2']]);
  });

  test('one that was delivered before is left out, and its tables are known afterwards', () => {
    const session = streaming();
    session.host.delivered.add(10n);
    const announced = encodeStreamed(1, encodeRelation(items));
    session.feed(...block(1, true, announced, encodeStreamed(1, insert('1'))), commit(1, 10n), ...plain(20n, insert('2')));
    expect(session.rows().map(({ position, after }) => [position, after])).toEqual([['20', ['2']]]);
  });

  test('one that is empty is an empty transaction', () => {
    const session = streaming().feed(...block(1, true), commit(1, 10n));
    expect(session.writer.pending).toBe(false);
    expect(session.host.commits).toHaveLength(1);
  });
});

describe('a table that a streamed transaction announces', () => {
  const wide: Relation = { ...items, columns: [...items.columns, { ...items.columns[0]!, name: 'more', isKey: false }] };
  const wideRow = encodeInsert(items.oid, ['1', '2']);

  test('has that shape from there on in its replay, and afterwards', () => {
    const session = streaming().feed(encodeRelation(items));
    const announced = encodeStreamed(1, encodeRelation(wide));
    session.feed(...block(1, true, encodeStreamed(1, insert('1')), announced, encodeStreamed(1, wideRow)));
    expect(session.host.relations).toEqual([items]);
    session.feed(...plain(5n, insert('2')), commit(1, 10n), ...plain(20n, wideRow));
    expect(session.rows().map(({ table, after }) => [table, after])).toEqual([
      ['items@1', ['2']],
      ['items@1', ['1']],
      ['items@2', ['1', '2']],
      ['items@2', ['1', '2']],
    ]);
  });

  test('keeps its old shape when the transaction, or the subtransaction that did it, is rolled back', () => {
    const session = streaming().feed(encodeRelation(items));
    session.feed(...block(1, true, encodeStreamed(2, encodeRelation(wide)), encodeStreamed(2, wideRow)), abort(1, 2));
    session.feed(...block(1, false, encodeStreamed(1, insert('1'))), commit(1, 10n), ...plain(20n, insert('2')));
    session.feed(...block(3, true, encodeStreamed(3, encodeRelation(wide))), abort(3), ...plain(30n, insert('3')));
    expect(session.host.relations).toEqual([items]);
    expect(session.rows().map(({ after }) => after)).toEqual([['1'], ['2'], ['3']]);
  });

  test('has afterwards the shape that was announced last, though the transaction commits later', () => {
    const session = streaming();
    const old = [encodeStreamed(1, encodeRelation(items)), encodeStreamed(1, insert('1'))];
    session.feed(...block(1, true, ...old), ...plain(5n, encodeRelation(wide), wideRow), commit(1, 10n));
    expect(session.host.relations, 'the host hears of the newer one again').toEqual([wide, items, wide]);
    session.feed(...plain(20n, wideRow));
    expect(session.rows().map(({ table, after }) => [table, after])).toEqual([
      ['items@1', ['1', '2']],
      ['items@2', ['1']],
      ['items@3', ['1', '2']],
    ]);
  });

  test('does not win by an announcement that was rolled back', () => {
    const session = streaming();
    const first = [encodeStreamed(1, encodeRelation(items)), encodeStreamed(1, insert('1'))];
    session.feed(...block(1, true, ...first), ...plain(5n, encodeRelation(wide), wideRow));
    session.feed(...block(1, false, encodeStreamed(2, encodeRelation(items))), abort(1, 2), commit(1, 10n));
    session.feed(...plain(20n, wideRow));
    expect(session.rows().map(({ after }) => after!.length)).toEqual([2, 1, 2]);
  });

  test('is known by its last announcement that was not rolled back, however often the others announced it', () => {
    const session = streaming();
    session.feed(...plain(5n, encodeRelation(items)), ...block(1, true, encodeStreamed(1, encodeRelation(wide))));
    const again = Array.from({ length: 40 }, () => encodeStreamed(2, encodeRelation(items)));
    session.feed(...block(1, false, ...again), abort(1, 2), commit(1, 10n), ...plain(20n, wideRow));
    expect(session.rows().map(({ after }) => after)).toEqual([['1', '2']]);
  });
});

test('the host hears of the end of each block', () => {
  const session = streaming().feed(...block(1, true), ...block(1, false), ...block(2, true));
  expect(session.kept.stops).toBe(3);
});

test('a stream that was not asked for has no blocks, though somebody would keep them', () => {
  const session = new Session({ version: 1, streaming: true });
  expect(session.decoder.inStreamBlock).toBe(false);
  expect(new Session({ version: 4 }).decoder.inStreamBlock).toBe(false);
  const start = encodeStreamStart({ transactionId: 1, first: true });
  expect(() => session.feed(start)).toThrow('belongs to protocol version 2 or later');
});

test('protocol version 2 has streamed transactions', () => {
  const session = new Session({ version: 2, streaming: true }).feed(encodeRelation(items));
  session.feed(...block(1, true, encodeStreamed(1, insert('1'))), commit(1, 10n));
  expect(session.rows()).toMatchObject([{ position: '10', after: ['1'] }]);
});

test('a replay that no commit asked for is a fault of the caller', () => {
  for (const session of [streaming(), new Session()]) {
    for (const step of ['beginReplay', 'commitReplay'] as const) {
      expect(() => session.decoder[step]()).toThrow(expect.objectContaining({ code: 'WEIR_SDK_USE' }));
    }
  }
});
