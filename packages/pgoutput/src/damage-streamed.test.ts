import { describe, expect, test } from 'vitest';
import {
  encodeBegin,
  encodeBeginPrepare,
  encodeCommit,
  encodeInsert,
  encodePrepare,
  encodeRelation,
  encodeStreamAbort,
  encodeStreamCommit,
  encodeStreamPrepare,
  encodeStreamStart,
  encodeStreamStop,
  encodeStreamed,
} from './message-encoder.ts';
import type { Prepare, PreparedHost } from './prepared.ts';
import type { Relation } from './relation.ts';
import { hex } from './testing/captured-session.ts';
import { Session } from './testing/session.ts';

const items: Relation = {
  oid: 7,
  namespace: 's',
  name: 'items',
  replicaIdentity: 'd',
  columns: [{ name: 'id', typeOid: 23, typeModifier: -1, isKey: true }],
};
const insert = encodeInsert(items.oid, ['1']);
const begin = encodeBegin({ commitLsn: 5n, time: 0, transactionId: 1 });
const commit = encodeCommit({ commitLsn: 5n, endLsn: 8n, time: 0 });
const streamCommit = (transactionId: number): Uint8Array =>
  encodeStreamCommit({ transactionId, commitLsn: 20n, endLsn: 28n, time: 0 });
const start = (transactionId: number, first: boolean): Uint8Array => encodeStreamStart({ transactionId, first });
const stop = encodeStreamStop();
const one: Prepare = { prepareLsn: 5n, endLsn: 8n, time: 0, transactionId: 1, gid: 'one' };

const deaf: PreparedHost = { begin() {}, prepare() {}, streamPrepare() {}, commit() {}, rollback() {} };

/** A session that asked for everything, with a table announced. */
function session(...before: readonly Uint8Array[]): Session {
  return new Session({ version: 4, streaming: true, prepared: deaf }).feed(encodeRelation(items), ...before);
}

type Damage = readonly [what: string, before: readonly Uint8Array[], message: Uint8Array, error: string];

function expectRefused(damages: readonly Damage[]): void {
  test.each(damages)('%s', (_what, before, message, error) => {
    const refused = { code: 'WEIR_PGOUTPUT_DAMAGED', message: `replication message ${error}` };
    expect(() => session(...before).feed(message)).toThrow(expect.objectContaining(refused));
  });
}

describe('a message of a streamed transaction that is damaged or has no place here is refused', () => {
  expectRefused([
    ['a block inside a transaction', [begin], start(2, true), "'S', byte 1: inside a transaction"],
    ['the end of a block that is not open', [], stop, "'E', byte 1: no block is open"],
    ['an end with more behind', [start(2, true)], hex('45 00'), "'E', byte 1: bytes left over: 1"],
    ['a transaction without an id', [], start(0, true), "'S', byte 1: no transaction has the id 0"],
    ['a block that is neither first nor later', [], hex('53 00000002 02'), "'S', byte 5: neither a first block nor a later one"],
    ['a START with more behind', [], hex('53 00000002 01 00'), "'S', byte 6: bytes left over: 1"],
    [
      'the first block of a transaction that is open',
      [start(2, true), stop],
      start(2, true),
      "'S', byte 6: the first block of a transaction that is open",
    ],
    [
      'a later block of one that is not',
      [start(2, true), stop, encodeStreamAbort({ transactionId: 2, subtransactionId: 2, lsn: null, time: null })],
      start(2, false),
      "'S', byte 6: a later block of a transaction that is not open",
    ],
    ['a block inside a block', [start(2, true)], start(3, true), "'S', byte 1: not a message of a streamed transaction"],
    ['a BEGIN inside a block', [start(2, true)], begin, "'B', byte 1: not a message of a streamed transaction"],
    ['a row without an id', [start(2, true)], encodeStreamed(0, insert), "'I', byte 1: no transaction has the id 0"],
    ['an ORIGIN cut off', [start(2, true)], hex('4f 00000000'), "'O', byte 5: the message ends early"],
    ['an ORIGIN whose name has no end', [start(2, true)], hex('4f 0000000000000005 61'), "'O', byte 9: a string has no end"],
    ['an ORIGIN with more behind', [start(2, true)], hex('4f 0000000000000005 6100 00'), "'O', byte 11: bytes left over: 1"],
    ['the commit of one that was not streamed', [], streamCommit(2), "'c', byte 30: a transaction that was not streamed"],
    [
      'a second commit',
      [start(2, true), stop, streamCommit(2)],
      streamCommit(2),
      "'c', byte 30: a transaction that was not streamed",
    ],
    ['a commit with flags', [], hex('63 00000002 01'), "'c', byte 5: a commit with unknown flags"],
    [
      'a commit with more behind',
      [start(2, true), stop],
      Uint8Array.of(...streamCommit(2), 0),
      "'c', byte 30: bytes left over: 1",
    ],
    ['an abort with more behind', [], hex(`41 00000002 00000003 ${'00'.repeat(17)}`), "'A', byte 25: bytes left over: 1"],
    ['an abort inside a transaction', [begin], hex('41 00000002 00000002'), "'A', byte 1: inside a transaction"],
  ]);

  test('a message that cannot have been kept, in a replay', () => {
    const replaying = session(start(2, true), stop);
    replaying.decode(streamCommit(2));
    replaying.decoder.beginReplay();
    const refused = { message: "replication message 'C', byte 1: not a message of a streamed transaction" };
    expect(() => replaying.decode(commit)).toThrow(expect.objectContaining(refused));
  });
});

describe('a message of a prepared transaction that is damaged or has no place here is refused', () => {
  expectRefused([
    ['a BEGIN PREPARE inside a transaction', [begin], encodeBeginPrepare(one), "'b', byte 1: inside a transaction"],
    ['a PREPARE that nothing began', [], encodePrepare(one), "'P', byte 1: no prepared transaction is open"],
    ['a PREPARE of a transaction that is none', [begin], encodePrepare(one), "'P', byte 1: no prepared transaction is open"],
    [
      'a second PREPARE',
      [encodeBeginPrepare(one), encodePrepare(one)],
      encodePrepare(one),
      "'P', byte 1: no prepared transaction is open",
    ],
    [
      'the PREPARE of another name',
      [encodeBeginPrepare(one)],
      encodePrepare({ ...one, gid: 'two' }),
      "'P', byte 34: the PREPARE of another transaction",
    ],
    [
      'the PREPARE of another place',
      [encodeBeginPrepare(one)],
      encodePrepare({ ...one, prepareLsn: 6n }),
      "'P', byte 34: the PREPARE of another transaction",
    ],
    ['a COMMIT', [encodeBeginPrepare(one)], commit, "'C', byte 1: no commit belongs to a prepared one"],
    ['a BEGIN PREPARE with more behind', [], Uint8Array.of(...encodeBeginPrepare(one), 0), "'b', byte 33: bytes left over: 1"],
    ['a COMMIT PREPARED with flags', [], hex('4b 01'), "'K', byte 1: unknown flags"],
    ['a ROLLBACK PREPARED with flags', [], hex('72 01'), "'r', byte 1: unknown flags"],
    [
      'a ROLLBACK PREPARED with more behind',
      [],
      hex(`72 00 ${'00'.repeat(32)} 00000001 6100 00`),
      "'r', byte 40: bytes left over: 1",
    ],
    [
      'a STREAM PREPARE of one that was not streamed',
      [],
      encodeStreamPrepare(one),
      "'p', byte 34: a transaction that was not streamed",
    ],
  ]);

  test('an unknown kind, though everything was asked for', () => {
    expect(() => session().feed(hex('58'))).toThrow("'X', byte 0: no message starts with this byte");
  });

  test('a BEGIN PREPARE in protocol version 2, though somebody would hear of it', () => {
    const older = new Session({ version: 2, prepared: deaf });
    expect(() => older.feed(encodeBeginPrepare(one))).toThrow('belongs to protocol version 3 or later');
  });

  test('a STREAM PREPARE in a stream without streamed transactions', () => {
    const without = new Session({ version: 3, prepared: deaf });
    const refused = { message: "replication message 'p', byte 34: a transaction that was not streamed" };
    expect(() => without.feed(encodeStreamPrepare(one))).toThrow(expect.objectContaining(refused));
  });
});
