import { logicalTypeName } from '@weir/sdk';
import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mapType, type PgType } from './map-type.ts';

const base = { kind: 'b', baseOid: 0, baseModifier: -1, elementOid: 0, builtIn: true, extension: null };
const types = new Map<number, PgType>(
  [
    { ...base, oid: 1700, name: 'numeric' },
    { ...base, oid: 1231, name: '_numeric', elementOid: 1700 },
    { ...base, oid: 23, name: 'int4' },
    { ...base, oid: 1007, name: '_int4', elementOid: 23 },
    { ...base, oid: 22, name: 'int2vector' },
    { ...base, oid: 1082, name: 'date' },
    { ...base, oid: 600, name: 'point' },
    { ...base, oid: 20_000, name: 'mood', kind: 'e', builtIn: false },
    { ...base, oid: 20_001, name: 'price', kind: 'd', baseOid: 1700, baseModifier: numericModifier(12, 2), builtIn: false },
    { ...base, oid: 20_002, name: 'special_price', kind: 'd', baseOid: 20_001, builtIn: false },
    { ...base, oid: 20_003, name: '_price', elementOid: 20_001, builtIn: false },
    { ...base, oid: 20_004, name: 'list', kind: 'd', baseOid: 1007, builtIn: false },
    { ...base, oid: 20_005, name: 'date', kind: 'r', builtIn: false },
    { ...base, oid: 20_006, name: 'numeric', builtIn: false },
    { ...base, oid: 20_007, name: 'citext', builtIn: false, extension: 'citext' },
    { ...base, oid: 20_008, name: 'citext', builtIn: false },
    { ...base, oid: 20_009, name: '_citext', elementOid: 20_007, builtIn: false, extension: 'citext' },
    { ...base, oid: 5069, name: 'xid8' },
  ].map((type) => [type.oid, type]),
);

/** As the server packs it: PostgreSQL, src/backend/utils/adt/numeric.c, make_numeric_typmod. */
function numericModifier(precision: number, scale: number): number {
  return ((precision << 16) | (scale & 0x7ff)) + 4;
}

const nameOf = (oid: number, modifier = -1): string => logicalTypeName(mapType(types, oid, modifier).type);

describe('a type is mapped', () => {
  test.each([
    ['numeric', 1700, -1, 'decimal'],
    ['numeric(12, 2)', 1700, numericModifier(12, 2), 'decimal(12, 2)'],
    ['numeric(3)', 1700, numericModifier(3, 0), 'decimal(3, 0)'],
    ['numeric(1000, 1000)', 1700, numericModifier(1000, 1000), 'decimal(1000, 1000)'],
    ['numeric(2, -3), whose values have more digits than its precision', 1700, numericModifier(2, -3), 'decimal'],
    ['numeric(3, 5), whose scale is beyond its precision', 1700, numericModifier(3, 5), 'decimal'],
    ['numeric(6, 2)[]', 1231, numericModifier(6, 2), 'array of decimal(6, 2)'],
    ['int[]', 1007, -1, 'array of int32'],
    ['int2vector, which is printed like no array', 22, -1, 'other'],
    ['an enum', 20_000, -1, 'enum'],
    ['a domain', 20_001, -1, 'decimal(12, 2)'],
    ['a domain over a domain', 20_002, -1, 'decimal(12, 2)'],
    ['an array of a domain', 20_003, -1, 'array of decimal(12, 2)'],
    ['a domain over an array', 20_004, -1, 'array of int32'],
    ['a type without a mapping', 600, -1, 'other'],
    ['a range with the name of a built-in type', 20_005, -1, 'other'],
    ['somebody’s own numeric', 20_006, 5, 'other'],
    ['the text of an extension that ignores case', 20_007, -1, 'string'],
    ['an array of such texts', 20_009, -1, 'array of string'],
    ['a type of somebody’s own with its name', 20_008, -1, 'other'],
    ['a transaction’s number', 5069, -1, 'uint64'],
    ['a type that is not in the catalog', 99, -1, 'other'],
  ])('%s', (_, oid, modifier, expected) => {
    expect(nameOf(oid, modifier)).toBe(expected);
  });
});

test('precision and scale come back from every modifier', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: -1000, max: 1000 }), (precision, scale) => {
      const plain = scale >= 0 && scale <= precision;
      expect(mapType(types, 1700, numericModifier(precision, scale)).type).toEqual({
        kind: 'decimal',
        precision: plain ? precision : null,
        scale: plain ? scale : null,
      });
    }),
    { seed: testSeed, numRuns: 2000 },
  );
});
