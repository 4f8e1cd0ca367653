import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MariadbGtidPosition, formatMariadbGtid, parseMariadbGtid, type MariadbGtid } from './mariadb-gtid.ts';

const number32 = fc.oneof(fc.nat({ max: 3 }), fc.integer({ min: 0, max: 0xffff_ffff }));
const gtid: fc.Arbitrary<MariadbGtid> = fc.record({
  domain: number32,
  server: number32,
  sequence: fc.oneof(fc.bigInt({ min: 0n, max: 20n }), fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })),
});
const gtids = fc.array(gtid, { maxLength: 12 });

function positionOf(given: readonly MariadbGtid[]): MariadbGtidPosition {
  const position = new MariadbGtidPosition();
  for (const each of given) position.add(each);
  return position;
}

describe('a position', () => {
  test('is the furthest of each domain, and the same after its text', () => {
    fc.assert(
      fc.property(gtids, gtids, (given, others) => {
        const position = positionOf(given);
        const furthest = (domain: number): bigint =>
          given.filter((each) => each.domain === domain).reduce((most, { sequence }) => (sequence > most ? sequence : most), -1n);
        for (const each of [...given, ...others]) expect(position.has(each)).toBe(each.sequence <= furthest(each.domain));
        expect(position.hasAll(positionOf(others))).toBe(others.every((each) => position.has(each)));
        expect(position.isEmpty).toBe(given.length === 0);
        expect(MariadbGtidPosition.parse(position.format()).equals(position)).toBe(true);
        const both = position.clone();
        both.addAll(positionOf(others));
        expect(both.hasAll(position) && both.hasAll(positionOf(others))).toBe(true);
        for (const each of both.gtids) expect([...given, ...others]).toContainEqual(each);
      }),
      { seed: testSeed, numRuns: 500 },
    );
  });

  test.each([
    ['', ''],
    [' 1-2-3 , 0-7-18446744073709551615', '0-7-18446744073709551615,1-2-3'],
  ])('%j is %j', (text, formatted) => {
    expect(MariadbGtidPosition.parse(text).toString()).toBe(formatted);
  });

  test.each(['1-2', '1-2-3-4', 'a-1-1', '4294967296-1-1', '1-4294967296-1', '1-1-18446744073709551616', '1-1-1,1-2-2'])(
    '%j is none',
    (text) => {
      expect(() => MariadbGtidPosition.parse(text)).toThrow(expect.objectContaining({ code: 'WEIR_BINLOG_GTID' }));
    },
  );

  test('one GTID is the same after its text', () => {
    fc.assert(
      fc.property(gtid, (given) => {
        expect(parseMariadbGtid(formatMariadbGtid(given))).toEqual(given);
      }),
      { seed: testSeed },
    );
  });
});
