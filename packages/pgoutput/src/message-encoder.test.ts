import { unchanged } from '@weir/sdk';
import { describe, expect, test } from 'vitest';
import {
  encodeBegin,
  encodeCommit,
  encodeDelete,
  encodeInsert,
  encodeMessage,
  encodeOrigin,
  encodeRelation,
  encodeTruncate,
  encodeType,
  encodeUpdate,
} from './message-encoder.ts';
import type { RelationColumn } from './relation.ts';
import { captured, hex } from './testing/captured-session.ts';

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
