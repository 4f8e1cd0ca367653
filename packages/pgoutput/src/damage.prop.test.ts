import { BatchWriter, WeirError, unchanged } from '@weir/sdk';
import fc from 'fast-check';
import { expect, test } from 'vitest';
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
  type SentCell,
} from './message-encoder.ts';
import type { PreparedHost } from './prepared.ts';
import type { Relation } from './relation.ts';
import { readRows } from './testing/read-rows.ts';
import { doubled, dropFirstByte } from './testing/recording-host.ts';
import { seed } from './testing/seed.ts';
import { Session } from './testing/session.ts';

const columns = ['a', 'b', 'c'].map((name, index) => ({ name, typeOid: 25, typeModifier: -1, isKey: index < 2 }));
const plainTable: Relation = { oid: 1, namespace: 's', name: 'plain', replicaIdentity: 'd', columns };
const rewritten: Relation = { oid: 2, namespace: 's', name: 'rewritten', replicaIdentity: 'f', columns };
const skipped: Relation = { oid: 3, namespace: 's', name: 'skipped', replicaIdentity: 'd', columns };

const oid = fc.constantFrom(plainTable.oid, rewritten.oid, skipped.oid);
const content = fc.uint8Array({ maxLength: 20 });
const cell: fc.Arbitrary<SentCell> = fc.oneof(content, fc.constant(null), fc.constant(unchanged));
const cells = fc.tuple(cell, cell, cell);
const old = fc.record({ kind: fc.constantFrom('K', 'O'), cells });
const end = fc.record({ commitLsn: fc.constant(5n), endLsn: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), time: fc.nat() });
const begin = encodeBegin({ commitLsn: 5n, time: 0, transactionId: 1 });

const one = { endLsn: 9n, time: 0, transactionId: 77, gid: 'name' };
const prepare = { ...one, prepareLsn: 8n };

/** Where a message may stand. */
const places = ['outside', 'in a transaction', 'in a block', 'in a replay', 'in a prepared transaction'] as const;
type Place = (typeof places)[number];
const place = fc.constantFrom(...places);

/** A whole message of each kind of version 1. */
const plain: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.constant(begin),
  end.map(encodeCommit),
  fc.string().map((name) => encodeOrigin(7n, name.replaceAll('\0', ''))),
  fc.constantFrom(plainTable, rewritten, { ...plainTable, columns: [] }).map(encodeRelation),
  fc.constant(encodeType(3, 's', 'mood')),
  fc.tuple(oid, cells).map(([table, after]) => encodeInsert(table, after)),
  fc.tuple(oid, fc.option(old), cells).map(([table, before, after]) => encodeUpdate(table, before, after)),
  fc.tuple(oid, old).map(([table, before]) => encodeDelete(table, before)),
  fc.array(oid, { maxLength: 4 }).map((tables) => encodeTruncate(tables)),
  fc.tuple(fc.boolean(), content).map(([transactional, body]) => encodeMessage(transactional, 9n, 'prefix', body)),
);

/** A whole message as it stands in a streamed block and in its replay. */
const streamed = plain.filter((each) => !'BCO'.includes(String.fromCharCode(each[0]!))).map((each) => encodeStreamed(77, each));

/** A whole message of each kind as it stands elsewhere. */
const unstreamed: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 2, arbitrary: plain },
  fc.constantFrom(
    encodeStreamStart({ transactionId: 77, first: true }),
    encodeStreamStart({ transactionId: 76, first: false }),
    encodeStreamStop(),
    encodeStreamCommit({ transactionId: 76, commitLsn: 5n, endLsn: 6n, time: 0 }),
    encodeStreamAbort({ transactionId: 76, subtransactionId: 77, lsn: null, time: null }),
    encodeStreamAbort({ transactionId: 76, subtransactionId: 76, lsn: 5n, time: 7 }),
    encodeBeginPrepare(prepare),
    encodePrepare(prepare),
    encodeStreamPrepare({ ...prepare, transactionId: 76 }),
    encodeCommitPrepared({ ...one, commitLsn: 8n }),
    encodeRollbackPrepared({ ...one, prepareEndLsn: 8n, prepareTime: 0 }),
  ),
);

const message = fc.oneof(unstreamed, streamed);

/** A whole message, and a place where it is read as what it is; in a block all but its beginning is kept unread. */
const placed: fc.Arbitrary<readonly [Uint8Array, Place]> = fc.oneof(
  fc.tuple(unstreamed, fc.constantFrom(...places.filter((where) => where !== 'in a block' && where !== 'in a replay'))),
  fc.tuple(streamed, fc.constant('in a replay' as const)),
  fc.tuple(fc.constant(encodeStreamStop()), fc.constant('in a block' as const)),
);

/** What may lie behind a message: nothing, what would complete a row, a string or a number, anything. */
const poisons: fc.Arbitrary<Uint8Array[]> = fc
  .uint8Array({ minLength: 80, maxLength: 80 })
  .map((noise) => [new Uint8Array(0), noise, ...[0x00, 0x01, 0x6e, 0x74, 0x75, 0xff].map((byte) => noise.map(() => byte))]);

const writer = new BatchWriter();

interface Outcome {
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly rows: unknown;
  readonly skipped: number;
  readonly heard: unknown;
}

const row = encodeInsert(plainTable.oid, ['1', 'two', null]);
const prelude = [...[plainTable, rewritten, skipped].map(encodeRelation), begin, row];
const committed = encodeCommit({ commitLsn: 5n, endLsn: 6n, time: 0 });
const started = encodeStreamStart({ transactionId: 76, first: true });
const streamCommitted = encodeStreamCommit({ transactionId: 76, commitLsn: 5n, endLsn: 6n, time: 0 });

/** A session behind one whole row that is to take a message at this place, and what it hears of prepared transactions. */
function sessionAt(where: Place): { session: Session; heard: unknown[] } {
  const heard: unknown[] = [];
  const hear = (record: unknown): void => void heard.push(record);
  const prepared: PreparedHost = { begin: hear, prepare: hear, streamPrepare: hear, commit: hear, rollback: hear };
  const session = new Session({ writer, version: 4, streaming: true, prepared });
  session.host.treatments.set(rewritten.oid, { rewrites: [dropFirstByte, doubled, null] });
  session.host.treatments.set(skipped.oid, { skip: true });
  session.feed(...prelude);
  if (where === 'in a transaction') return { session, heard };
  session.feed(committed, started);
  if (where !== 'in a block') session.feed(encodeStreamStop());
  if (where === 'in a prepared transaction') session.feed(encodeBeginPrepare(prepare));
  if (where === 'in a replay') {
    session.decode(streamCommitted);
    session.decoder.beginReplay();
  }
  return { session, heard };
}

/** Decodes `bytes` at a place, before `poison`. */
function decode(bytes: Uint8Array, poison: Uint8Array, where: Place): Outcome {
  const { session, heard } = sessionAt(where);
  const cellsBefore = 3;
  const before = writer.data.slice(0, writer.used);
  const start = writer.append(bytes);
  const stop = writer.used;
  writer.append(poison);
  let failure: Outcome['failure'] = null;
  try {
    session.decoder.decode(writer, start, stop);
  } catch (error) {
    if (!(error instanceof WeirError)) throw error;
    failure = { code: error.code, message: error.message };
    expect(writer.rows).toBe(1);
  }

  const { used } = writer;
  const batch = writer.close(null);
  expect(batch.data.subarray(0, start)).toEqual(before);
  expect(batch.data.subarray(stop, used)).toEqual(poison);
  for (let index = cellsBefore; index < batch.start.length; index++) {
    const first = batch.start[index]!;
    const length = batch.length[index]!;
    // In the message, or in the spill that lies behind everything.
    expect(length < 0 || (first >= start && first + length <= stop) || first >= used).toBe(true);
  }
  const { relations, begins, commits } = session.host;
  const { aborts, sizes } = session.kept;
  const all = { relations, begins, commits, aborts, sizes, prepared: heard };
  return { failure, rows: readRows(batch), skipped: batch.skipped, heard: all };
}

/** What becomes of a message, proved to be the same whatever lies behind it. */
function outcome(bytes: Uint8Array, behind: readonly Uint8Array[], where: Place): Outcome {
  const [first, ...others] = behind.map((poison) => decode(bytes, poison, where));
  for (const other of others) expect(other).toEqual(first);
  return first!;
}

const runs = { seed, numRuns: 600 };
const code = /^WEIR_PGOUTPUT_(DAMAGED|UNSUPPORTED)$/;

test('a message that is cut off anywhere is refused', () => {
  const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(placed, share, poisons, ([whole, where], part, behind) => {
      const cut = whole.subarray(0, Math.floor(whole.length * part));
      // An abort may end before its LSN.
      fc.pre(cut.length !== 9 || cut[0] !== 0x41);
      expect(outcome(cut, behind, where).failure?.code).toBe('WEIR_PGOUTPUT_DAMAGED');
    }),
    runs,
  );
});

test('a message with bytes behind its end is refused', () => {
  const surplus = fc.uint8Array({ minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(placed, surplus, poisons, ([whole, where], more, behind) => {
      const { failure } = outcome(Uint8Array.from([...whole, ...more]), behind, where);
      expect(failure?.code).toBe('WEIR_PGOUTPUT_DAMAGED');
    }),
    runs,
  );
});

test('a message with flipped bits is decoded or refused', () => {
  const bits = fc.array(fc.nat(), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(message, bits, place, poisons, (whole, flips, where, behind) => {
      const flipped = Uint8Array.from(whole);
      for (const bit of flips) flipped[(bit >> 3) % flipped.length]! ^= 1 << (bit & 7);
      const { failure } = outcome(flipped, behind, where);
      expect(failure === null || code.test(failure.code)).toBe(true);
    }),
    runs,
  );
});

test('random bytes behind each kind of message are decoded or refused', () => {
  const kinds = Array.from('BCORYIUDTMSEcAbPKrp', (kind) => kind.charCodeAt(0));
  const kind = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...kinds) }, { weight: 1, arbitrary: fc.nat({ max: 255 }) });
  // Small numbers are lengths and counts that fit, so that more of the message is read.
  const byte = fc.oneof(fc.constantFrom(0, 0, 0, 1, 2, 3, 0x4b, 0x4e, 0x4f, 0x6e, 0x74, 0x75), fc.nat({ max: 255 }));
  fc.assert(
    fc.property(kind, fc.array(byte, { maxLength: 60 }), place, poisons, (first, bytes, where, behind) => {
      const { failure } = outcome(Uint8Array.from([first, ...bytes]), behind, where);
      expect(failure === null || code.test(failure.code)).toBe(true);
    }),
    runs,
  );
});

test('a whole message is decoded, or refused for where it stands', () => {
  fc.assert(
    fc.property(message, poisons, (whole, behind) => {
      const failures = places.map((where) => outcome(whole, behind, where).failure);
      expect(failures).toContain(null);
    }),
    { ...runs, numRuns: 120 },
  );
});
