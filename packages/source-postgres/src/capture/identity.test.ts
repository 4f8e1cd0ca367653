import { describe, expect, test } from 'vitest';
import type { TableScope } from './catalog.ts';
import { hasNoIdentity, identityProblem } from './identity.ts';

const whole: TableScope = {
  columns: null,
  listed: false,
  rowFilter: null,
  filterColumns: null,
  insertsOnly: false,
  publishedIn: 'main',
};
const keyed = { allColumns: ['id', 'name', 'twice'], generated: [], identity: ['id'], replicaIdentity: 'd' } as const;
const full = { ...keyed, identity: null, replicaIdentity: 'f' } as const;
const stored = { generated: [{ name: 'twice', kind: 'stored' }] } as const;

/** The kind and the columns as one text. */
function problem(table: Parameters<typeof identityProblem>[0], scope: Partial<TableScope> = {}, version = 170_000): string {
  const found = identityProblem(table, { ...whole, ...scope }, version);
  return found === null ? 'none' : `${found.kind} ${found.columns.join(',')}`.trim();
}

const list = (...columns: string[]): Partial<TableScope> => ({ columns, listed: true });

describe('the server changes rows of a published table', () => {
  test('that has a key, an identity index, or FULL', () => {
    expect(problem(keyed)).toBe('none');
    expect(problem({ ...keyed, replicaIdentity: 'i' })).toBe('none');
    expect(problem(full)).toBe('none');
  });

  test('whose list has the key, and whose filter reads the key alone, or any column under FULL', () => {
    expect(problem(keyed, list('id'))).toBe('none');
    expect(problem(keyed, { rowFilter: 'id > 0', filterColumns: ['id'] })).toBe('none');
    expect(problem(full, { rowFilter: 'name > $$a$$', filterColumns: ['name'] })).toBe('none');
  });

  test('with generated columns outside of the key, and under FULL before PostgreSQL 18, or where they are published', () => {
    expect(problem({ ...keyed, ...stored }, {}, 180_000)).toBe('none');
    expect(problem({ ...full, ...stored })).toBe('none');
    expect(problem({ ...full, ...stored }, { columns: ['id', 'name', 'twice'] }, 180_000)).toBe('none');
  });
});

describe('the server would refuse them', () => {
  test('without a key, and with NOTHING', () => {
    expect(problem({ ...keyed, identity: null })).toBe('missing');
    expect(problem({ ...keyed, identity: null, replicaIdentity: 'n' })).toBe('missing');
  });

  test('when a list lacks a part of the key, and with any list under FULL', () => {
    expect(problem({ ...keyed, identity: ['id', 'name'] }, list('id', 'twice'))).toBe('list name');
    expect(problem(full, list('id', 'name', 'twice'))).toBe('list');
  });

  test('when a filter reads a column outside of the key', () => {
    expect(problem(keyed, { rowFilter: 'x', filterColumns: ['id', 'name'] })).toBe('filter name');
  });

  test('under FULL with a generated column that is not published, from PostgreSQL 18 on', () => {
    expect(problem({ ...full, ...stored }, {}, 180_000)).toBe('generated twice');
  });

  test('when the key has a generated column: before PostgreSQL 18 it is the stream that would lack it', () => {
    for (const version of [150_000, 180_000]) {
      expect(problem({ ...keyed, ...stored, identity: ['id', 'twice'] }, {}, version)).toBe('generated twice');
    }
    expect(problem({ ...keyed, ...stored, identity: ['twice'] }, list('twice'), 180_000)).toBe('none');
  });
});

test('inserts alone are had of a table without identity, not of one with a list or a filter that does not fit it', () => {
  const kinds = ['missing', 'generated', 'list', 'filter'] as const;
  expect(kinds.filter((kind) => hasNoIdentity({ kind, columns: [] }))).toEqual(['missing', 'generated']);
  expect(hasNoIdentity(null)).toBe(false);
});
