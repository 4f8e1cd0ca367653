import { unchanged } from '@weir/sdk';
import { describe, expect, test } from 'vitest';
import {
  encodeBegin,
  encodeBeginPrepare,
  encodeCommit,
  encodeCommitPrepared,
  encodeDelete,
  encodeInsert,
  encodeMessage,
  encodeOrigin,
  encodePrepare,
  encodeRelation,
  encodeRollbackPrepared,
  encodeStreamAbort,
  encodeStreamCommit,
  encodeStreamPrepare,
  encodeStreamStart,
  encodeStreamStop,
  encodeStreamed,
  encodeTruncate,
  encodeType,
  encodeUpdate,
} from './message-encoder.ts';
import type { RelationColumn } from './relation.ts';
import { captured, hex } from './testing/captured-session.ts';
import { streams } from './testing/captured-streams.ts';

const time = Date.UTC(2000, 0, 1) * 1000 + 0x0303c6318ed021;
const column = (name: string, typeOid: number, isKey: boolean, typeModifier = -1): RelationColumn => {
  return { name, typeOid, typeModifier, isKey };
};

describe('the encoder writes what PostgreSQL sent', () => {
  test.each<[keyof typeof captured, Uint8Array]>([
    ['begin', encodeBegin({ commitLsn: 0x178a9a0n, time, transactionId: 753 })],
    ['commit', encodeCommit({ commitLsn: 0x178a9a0n, endLsn: 0x178a9d0n, time })],
    ['moodType', encodeType(0x4002, 'shop', 'mood')],
    [
      'itemRelation',
      encodeRelation({
        oid: 0x4007,
        namespace: 'shop',
        name: 'item',
        replicaIdentity: 'd',
        columns: [
          column('id', 23, true),
          column('note', 25, false),
          column('price', 1700, false, (10 << 16) + 2 + 4),
          column('mood', 0x4002, false),
        ],
      }),
    ],
    ['insertOne', encodeInsert(0x4007, ['1', null, '12.50', 'ok'])],
    ['updateUnchanged', encodeUpdate(0x4007, null, ['2', unchanged, '3.00', null])],
    ['updateKey', encodeUpdate(0x4007, { kind: 'K', cells: ['1', null, null, null] }, ['3', null, '12.50', 'ok'])],
    ['deleteKey', encodeDelete(0x4007, { kind: 'K', cells: ['2', null, null, null] })],
    ['deleteFull', encodeDelete(0x400f, { kind: 'O', cells: ['2', 'short'] })],
    ['truncate', encodeTruncate([0x4007, 0x400f], 3)],
    ['message', encodeMessage(true, 0x178c088n, 'weir', new TextEncoder().encode('héllo'))],
    ['looseMessage', encodeMessage(false, 0x178c0c8n, 'loose', Uint8Array.of(0x78))],
  ])('%s', (name, message) => {
    expect(message).toEqual(hex(captured[name]));
  });

  test('an origin, by the protocol page', () => {
    expect(encodeOrigin(0x102n, 'up')).toEqual(hex('4f 0000000000000102 757000'));
  });
});

describe('the encoder writes what PostgreSQL streamed or prepared', () => {
  const place = { transactionId: 0x2f2, subtransactionId: 0x2f3 };
  const since2000 = (micros: number): number => Date.UTC(2000, 0, 1) * 1000 + micros;
  const one = { prepareLsn: 0x18dadb8n, endLsn: 0x18daeb0n, time: since2000(0x03041c7df21210), transactionId: 0x2fb };
  test.each<[keyof typeof streams, Uint8Array]>([
    ['start', encodeStreamStart({ transactionId: 0x2f2, first: true })],
    ['startAgain', encodeStreamStart({ transactionId: 0x2f2, first: false })],
    ['stop', encodeStreamStop()],
    ['type', encodeStreamed(0x2f2, encodeType(0x4002, 'shop', 'mood'))],
    ['insertOne', encodeStreamed(0x2f2, encodeInsert(0x4007, ['1', 'x'.repeat(100), 'ok']))],
    ['truncate', encodeStreamed(0x2f5, encodeTruncate([0x400f]))],
    ['abortSavepoint', encodeStreamAbort({ ...place, lsn: null, time: null })],
    ['abortSavepointParallel', encodeStreamAbort({ ...place, lsn: 0x180bcd0n, time: since2000(0x03041c90773766) })],
    [
      'commit',
      encodeStreamCommit({
        transactionId: 0x2f2,
        commitLsn: 0x1851010n,
        endLsn: 0x18510f0n,
        time: since2000(0x03041c7defe4e3),
      }),
    ],
    ['beginPrepare', encodeBeginPrepare({ ...one, gid: 'gid one' })],
    ['prepare', encodePrepare({ ...one, gid: 'gid one' })],
    [
      'commitPrepared',
      encodeCommitPrepared({
        commitLsn: 0x18daeb0n,
        endLsn: 0x18daef0n,
        time: since2000(0x03041c7df214f2),
        transactionId: 0x2fb,
        gid: 'gid one',
      }),
    ],
    [
      'rollbackPrepared',
      encodeRollbackPrepared({
        prepareEndLsn: 0x18db070n,
        endLsn: 0x18db0b0n,
        prepareTime: since2000(0x03041c7df2195c),
        time: since2000(0x03041c7df21b62),
        transactionId: 0x2fc,
        gid: 'gid two',
      }),
    ],
    [
      'streamPrepare',
      encodeStreamPrepare({
        prepareLsn: 0x191fc48n,
        endLsn: 0x191fd48n,
        time: since2000(0x03041c7df23a4e),
        transactionId: 0x2fd,
        gid: 'gid three',
      }),
    ],
  ])('%s', (name, message) => {
    expect(message).toEqual(hex(streams[name]));
  });
});
