import type { Checkpoint, Json } from '@weir/sdk';
import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gtidsOf, readState, stateJson, type MysqlState } from './checkpoint-state.ts';
import { boundaryPosition, chunkPosition } from './position.ts';

const parameters = { seed: testSeed, numRuns: 500 };

const uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const state: MysqlState = {
  v: 1,
  flavour: 'mysql',
  server: uuid,
  epoch: 3,
  copies: 2,
  gtids: `${uuid}:1-17:blue:4`,
  file: 'binlog.000012',
  offset: 4711,
  fileTime: 1_700_000_000,
  tables: [
    {
      namespace: 'shop',
      name: 'orders',
      reason: 'first',
      version: 2,
      columns: [
        { name: 'id', type: 'bigint unsigned', nullable: false },
        { name: 'note', type: 'varchar(40)', nullable: true, charset: 'utf8mb4' },
        { name: 'twice', type: 'bigint', nullable: true, leftOut: true },
      ],
      key: [0],
      copy: { upTo: ['42'], rows: 42 },
    },
  ],
  prepared: [
    { xid: "X'6a',X'',1", file: { name: `${boundaryPosition(3, { file: 'binlog.000011', offset: 17 })}.xa`, bytes: 4711, sha256: '0123456789abcdef'.repeat(4) } },
    { xid: "X'6b',X'',1" },
  ],
};
const position = boundaryPosition(3, { file: 'binlog.000012', offset: 4711 });
const checkpointOf = (json: unknown): Checkpoint => ({ position, state: json as Json });
const refusal = expect.objectContaining({ code: 'WEIR_MYSQL_CHECKPOINT' }) as Error;

describe('the state of a checkpoint', () => {
  it('is read as it was written, also in a chunk of a copy', () => {
    const written = JSON.parse(JSON.stringify(stateJson(state))) as Json;
    expect(readState({ position, state: written })).toEqual(state);
    const chunk = chunkPosition(3, { file: 'binlog.000012', offset: 4711 }, 2, 9);
    expect(readState({ position: chunk, state: written })).toEqual(state);
    const mariadb = { ...state, flavour: 'mariadb', server: '0-1', gtids: '0-1-17,7-2-5' };
    expect(gtidsOf(readState(checkpointOf(mariadb)))?.format()).toBe('0-1-17,7-2-5');
    expect(gtidsOf(readState(checkpointOf({ ...state, gtids: null })))).toBeNull();
  });

  it('is refused when anything in it is missing or is something else', () => {
    const paths = pathsOf(state as unknown as Json);
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.constantFrom(undefined, {}, -1.5, true), (path, other) => {
        const damaged = structuredClone(state) as unknown as Record<string, unknown>;
        const parent = path.slice(0, -1).reduce<Record<string, unknown>>((at, key) => at[key] as Record<string, unknown>, damaged);
        const last = path.at(-1)!;
        if (other === undefined) delete parent[last];
        else parent[last] = other;
        // What need not be there, and a flag or number that was the same.
        fc.pre(!(other === undefined && ['charset', 'leftOut', 'copy', 'prepared', 'fileTime'].includes(last)));
        fc.pre(!(other === undefined && path[0] === 'prepared' && last === 'file'));
        fc.pre(!(other === true && typeof valueAt(state, path) === 'boolean'));
        expect(() => readState(checkpointOf(damaged)), path.join('.')).toThrow(refusal);
      }),
      parameters,
    );
  });

  it('is refused when it is of another version or connector, or no state at all', () => {
    for (const other of [null, [], 1, 'state', {}, { ...state, v: 2 }, { v: 2, system: '1', tables: [] }, { ...state, more: 1 }]) {
      expect(() => readState(checkpointOf(other)), JSON.stringify(other)).toThrow(refusal);
    }
  });

  it('is refused when its parts do not belong together', () => {
    const [table] = state.tables;
    const [prepared] = state.prepared!;
    const named = (name: string): unknown => ({ ...state, prepared: [{ ...prepared, file: { ...prepared!.file, name } }] });
    for (const other of [
      { ...state, gtids: '0-1-17' },
      { ...state, flavour: 'mariadb' },
      { ...state, epoch: 4 },
      { ...state, file: 'binlog.000013' },
      { ...state, file: 'binlog' },
      { ...state, offset: 4712 },
      { ...state, tables: [table, table] },
      { ...state, prepared: [prepared, prepared] },
      named('../0000.xa'),
      named('0000/1.xa'),
      named('weir.sqlite'),
      { ...state, tables: [{ ...table, key: [3] }] },
      { ...state, tables: [{ ...table, key: [2] }] },
      { ...state, tables: [{ ...table, key: [0, 0] }] },
    ]) {
      expect(() => readState(checkpointOf(other)), JSON.stringify(other)).toThrow(refusal);
    }
    expect(() => readState({ position: '0003.12', state: stateJson(state) })).toThrow(refusal);
    const commit = position.replace(/0$/u, '1');
    expect(() => readState({ position: commit, state: stateJson(state) }), 'in the middle of a transaction').toThrow(refusal);
  });
});

/** The place of every value, those of objects and arrays among them. */
function pathsOf(value: Json, path: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [[...path]];
  const inner = Object.entries(value).flatMap(([key, each]) => pathsOf(each, [...path, key]));
  return path.length === 0 ? inner : [[...path], ...inner];
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], value);
}
