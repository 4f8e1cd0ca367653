import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventType } from './event-type.ts';
import { LAST_NUMBER, formatMysqlGtid, parseMysqlGtid, type MysqlGtid } from './gtid.ts';
import { decodeGtidSet, encodeGtidSet } from './gtid-set-encoding.ts';
import { MysqlGtidSet } from './mysql-gtid-set.ts';

const uuids = ['00000000-0000-0000-0000-000000000001', '3e11fa47-71ca-11e1-9e33-c80aa9429562', 'ffffffff-ffff-ffff-ffff-ffffffffffff'];
const gtid: fc.Arbitrary<MysqlGtid> = fc.record({
  uuid: fc.constantFrom(...uuids),
  tag: fc.constantFrom('', '', 'a', 'nightly_2', '_'.repeat(32)),
  number: fc.oneof({ weight: 9, arbitrary: fc.bigInt({ min: 1n, max: 30n }) }, { weight: 1, arbitrary: fc.bigInt({ min: 1n, max: LAST_NUMBER }) }),
});
const gtids = fc.array(gtid, { maxLength: 30 });
const runs = { seed: testSeed, numRuns: 500 };

function setOf(given: readonly MysqlGtid[]): MysqlGtidSet {
  const set = new MysqlGtidSet();
  for (const each of given) set.add(each);
  return set;
}

const namesOf = (given: readonly MysqlGtid[]): Set<string> => new Set(given.map((each) => formatMysqlGtid(each)));

describe('a set of GTIDs', () => {
  test('holds what was added', () => {
    fc.assert(
      fc.property(gtids, gtids, (given, others) => {
        const set = setOf(given);
        const names = namesOf(given);
        for (const each of [...given, ...others]) expect(set.has(each)).toBe(names.has(formatMysqlGtid(each)));
        expect(set.hasAll(setOf(others))).toBe([...namesOf(others)].every((name) => names.has(name)));
        expect(set.equals(setOf(others))).toBe(set.hasAll(setOf(others)) && setOf(others).hasAll(set));
        expect(set.isEmpty).toBe(given.length === 0);

        const both = set.clone();
        both.addAll(setOf(others));
        expect(both.equals(setOf([...given, ...others]))).toBe(true);
        expect(set.equals(setOf(given))).toBe(true);

        const left = given.filter((each) => !namesOf(others).has(formatMysqlGtid(each)));
        expect(set.without(setOf(others)).equals(setOf(left))).toBe(true);
      }),
      runs,
    );
  });

  test('is the same after its text, and after its bytes', () => {
    fc.assert(
      fc.property(gtids, (given) => {
        const set = setOf(given);
        expect(MysqlGtidSet.parse(set.format()).equals(set)).toBe(true);
        expect(MysqlGtidSet.parse(set.format().toUpperCase().replaceAll(',', ',\n')).format()).toBe(set.format());
        const bytes = encodeGtidSet(set);
        const padded = Uint8Array.from([9, 9, ...bytes, 9]);
        expect(decodeGtidSet(padded, 2, 2 + bytes.length, EventType.previousGtids).equals(set)).toBe(true);
      }),
      runs,
    );
  });

  test('whose bytes are damaged is refused or another set', () => {
    fc.assert(
      fc.property(gtids, fc.array(fc.nat(), { maxLength: 3 }), fc.nat({ max: 40 }), (given, bits, cut) => {
        const bytes = encodeGtidSet(setOf(given));
        for (const bit of bits) bytes[(bit >> 3) % bytes.length]! ^= 1 << (bit & 7);
        const end = Math.max(0, bytes.length - cut);
        try {
          expect(encodeGtidSet(decodeGtidSet(bytes, 0, end, EventType.previousGtids)).length).toBeLessThanOrEqual(end + given.length);
        } catch (error) {
          expect(error).toMatchObject({ code: 'WEIR_BINLOG_DAMAGED' });
        }
      }),
      runs,
    );
  });

  test('is read from any text, or refused', () => {
    const part = fc.oneof(fc.constantFrom(...uuids, 'tag', '1', '2-5', '7-3', '0', ':', ',', '-', ' '), fc.string({ maxLength: 3 }));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        try {
          const set = MysqlGtidSet.parse(parts.join(''));
          expect(MysqlGtidSet.parse(set.format()).equals(set)).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ code: 'WEIR_BINLOG_GTID' });
        }
      }),
      { ...runs, numRuns: 3000 },
    );
  });

  test('one GTID is the same after its text', () => {
    fc.assert(
      fc.property(gtid, (given) => {
        expect(parseMysqlGtid(formatMysqlGtid(given))).toEqual(given);
      }),
      runs,
    );
  });
});
