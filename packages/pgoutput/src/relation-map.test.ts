import { describe, expect, test } from 'vitest';
import { bindRelation, type BoundRelation } from './binding.ts';
import { RELATION_BYTES, RelationMap } from './relation-map.ts';
import type { Relation } from './relation.ts';

const relation = (oid: number, columns = 10): Relation => ({
  oid,
  namespace: 'public',
  name: `table_${oid}`,
  replicaIdentity: 'd',
  columns: Array.from({ length: columns }, (_, i) => ({ name: `column_${i}`, typeOid: 25, typeModifier: -1, isKey: i === 0 })),
});
const bound = (oid: number, columns?: number): BoundRelation => bindRelation(relation(oid, columns), null);

describe('the relations of a stream', () => {
  test('are bounded: those that have not been needed longest are forgotten (invariant 8)', () => {
    const map = new RelationMap(20_000);
    for (let oid = 1; oid <= 16; oid++) map.set(bound(oid), oid);
    expect(map.size).toBe(16);
    expect(map.get(1), 'needed again').not.toBeNull();
    for (let oid = 17; oid <= 19; oid++) map.set(bound(oid), oid);
    expect(map.size).toBeLessThan(16);
    expect([1, 19].map((oid) => map.get(oid)?.oid)).toEqual([1, 19]);
    expect(map.get(2)).toBeNull();
  });

  test('hold one however large it is', () => {
    const map = new RelationMap(100);
    map.set(bound(1, 1000), 1);
    map.set(bound(2, 1000), 2);
    expect([map.get(1), map.get(2)?.oid, map.size]).toEqual([null, 2, 1]);
  });

  test('count one that is announced again once', () => {
    const map = new RelationMap(3_000);
    for (let receipt = 1; receipt < 100; receipt++) map.set(bound(1), receipt);
    map.set(bound(2), 100);
    expect(map.size).toBe(2);
  });

  test('by default are tens of thousands', () => {
    const map = new RelationMap();
    for (let oid = 1; oid <= 40_000; oid++) map.set(bound(oid), oid);
    expect(map.size).toBe(40_000);
    expect(RELATION_BYTES).toBe(64 << 20);
  });
});

test('a merge takes what was announced later, and tells what was not', () => {
  const [map, others] = [new RelationMap(), new RelationMap()];
  map.set(bound(1, 1), 5);
  map.set(bound(2, 1), 6);
  others.set(bound(1, 2), 9);
  others.set(bound(2, 2), 3);
  others.set(bound(3, 2), 1);
  expect(map.merge(others)).toEqual([relation(2, 1)]);
  expect([1, 2, 3].map((oid) => map.get(oid)?.relation.columns.length)).toEqual([2, 1, 2]);
  expect([map.size, others.size]).toEqual([3, 0]);
});
