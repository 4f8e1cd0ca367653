import { BatchWriter, WeirError, unchanged } from '@weir/sdk';
import fc from 'fast-check';
import { expect, test } from 'vitest';
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
  type SentCell,
} from './message-encoder.ts';
import type { Relation } from './relation.ts';
import { readRows } from './testing/read-rows.ts';
import { doubled, dropFirstByte } from './testing/recording-host.ts';
import { seed } from './testing/seed.ts';
import { Session } from './testing/session.ts';

const columns = ['a', 'b', 'c'].map((name, index) => ({ name, typeOid: 25, typeModifier: -1, isKey: index < 2 }));
const plain: Relation = { oid: 1, namespace: 's', name: 'plain', replicaIdentity: 'd', columns };
const rewritten: Relation = { oid: 2, namespace: 's', name: 'rewritten', replicaIdentity: 'f', columns };
const skipped: Relation = { oid: 3, namespace: 's', name: 'skipped', replicaIdentity: 'd', columns };

const oid = fc.constantFrom(plain.oid, rewritten.oid, skipped.oid);
const content = fc.uint8Array({ maxLength: 20 });
const cell: fc.Arbitrary<SentCell> = fc.oneof(content, fc.constant(null), fc.constant(unchanged));
const cells = fc.tuple(cell, cell, cell);
const old = fc.record({ kind: fc.constantFrom('K', 'O'), cells });
const end = fc.record({ commitLsn: fc.constant(5n), endLsn: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), time: fc.nat() });
const begin = encodeBegin({ commitLsn: 5n, time: 0, transactionId: 1 });

/** A whole message of each kind. */
const message: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.constant(begin),
  end.map(encodeCommit),
  fc.string().map((name) => encodeOrigin(7n, name.replaceAll('\0', ''))),
  fc.constantFrom(plain, rewritten, { ...plain, columns: [] }).map(encodeRelation),
  fc.constant(encodeType(3, 's', 'mood')),
  fc.tuple(oid, cells).map(([table, after]) => encodeInsert(table, after)),
  fc.tuple(oid, fc.option(old), cells).map(([table, before, after]) => encodeUpdate(table, before, after)),
  fc.tuple(oid, old).map(([table, before]) => encodeDelete(table, before)),
  fc.array(oid, { maxLength: 4 }).map((tables) => encodeTruncate(tables)),
  fc.tuple(fc.boolean(), content).map(([transactional, body]) => encodeMessage(transactional, 9n, 'prefix', body)),
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

/** Decodes `bytes` behind a whole row and before `poison`, in a transaction or outside of one. */
function decode(bytes: Uint8Array, poison: Uint8Array, inTransaction: boolean): Outcome {
  const session = new Session({ writer });
  session.host.treatments.set(rewritten.oid, { rewrites: [dropFirstByte, doubled, null] });
  session.host.treatments.set(skipped.oid, { skip: true });
  const row = encodeInsert(plain.oid, ['1', 'two', null]);
  session.feed(encodeRelation(plain), encodeRelation(rewritten), encodeRelation(skipped), begin, row);
  if (!inTransaction) session.feed(encodeCommit({ commitLsn: 5n, endLsn: 6n, time: 0 }));

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
  return { failure, rows: readRows(batch), skipped: batch.skipped, heard: { relations, begins, commits } };
}

/** What becomes of a message, proved to be the same whatever lies behind it. */
function outcome(bytes: Uint8Array, behind: readonly Uint8Array[], inTransaction: boolean): Outcome {
  const [first, ...others] = behind.map((poison) => decode(bytes, poison, inTransaction));
  for (const other of others) expect(other).toEqual(first);
  return first!;
}

const runs = { seed, numRuns: 600 };
const code = /^WEIR_PGOUTPUT_(DAMAGED|UNSUPPORTED)$/;

test('a message that is cut off anywhere is refused', () => {
  const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(message, share, fc.boolean(), poisons, (whole, part, inside, behind) => {
      const { failure } = outcome(whole.subarray(0, Math.floor(whole.length * part)), behind, inside);
      expect(failure?.code).toBe('WEIR_PGOUTPUT_DAMAGED');
    }),
    runs,
  );
});

test('a message with bytes behind its end is refused', () => {
  const surplus = fc.uint8Array({ minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(message, surplus, fc.boolean(), poisons, (whole, more, inside, behind) => {
      const { failure } = outcome(Uint8Array.from([...whole, ...more]), behind, inside);
      expect(failure?.code).toBe('WEIR_PGOUTPUT_DAMAGED');
    }),
    runs,
  );
});

test('a message with flipped bits is decoded or refused', () => {
  const bits = fc.array(fc.nat(), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(message, bits, fc.boolean(), poisons, (whole, flips, inside, behind) => {
      const flipped = Uint8Array.from(whole);
      for (const bit of flips) flipped[(bit >> 3) % flipped.length]! ^= 1 << (bit & 7);
      const { failure } = outcome(flipped, behind, inside);
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
    fc.property(kind, fc.array(byte, { maxLength: 60 }), fc.boolean(), poisons, (first, bytes, inside, behind) => {
      const { failure } = outcome(Uint8Array.from([first, ...bytes]), behind, inside);
      expect(failure === null || code.test(failure.code)).toBe(true);
    }),
    runs,
  );
});

test('a whole message is decoded, or refused for where it stands', () => {
  fc.assert(
    fc.property(message, poisons, (whole, behind) => {
      const failures = [true, false].map((inside) => outcome(whole, behind, inside).failure);
      expect(failures).toContain(null);
    }),
    runs,
  );
});
