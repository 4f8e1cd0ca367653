import { describe, expect, test } from 'vitest';
import { BatchBuilder, canonicalCell, unchanged, type CellValue } from './batch-builder.ts';
import { NO_TABLE, Op, type Commit } from './batch.ts';
import type { LogicalType } from './logical-type.ts';
import { RowCursor } from './row-cursor.ts';
import type { Table } from './table.ts';

const commit: Commit = { position: 'a', version: 1n, time: 5, transactionId: '1' };
const next: Commit = { position: 'b', version: 2n, time: 6, transactionId: '2' };

function tableOf(...types: LogicalType[]): Table {
  const columns = types.map((type, index) => ({ name: `c${index}`, type, nullable: true, sourceType: type.kind }));
  return { namespace: 'public', name: 't', version: 1, columns, key: [0] };
}

const pair = tableOf({ kind: 'int', bits: 64 }, { kind: 'string' });

describe('canonicalCell', () => {
  const array: LogicalType = { kind: 'array', of: { kind: 'float', bits: 64 } };
  const decimal: LogicalType = { kind: 'decimal', precision: null, scale: null };
  const float: LogicalType = { kind: 'float', bits: 64 };
  const int: LogicalType = { kind: 'int', bits: 64 };
  const day = (text: string): Date => new Date(text);
  const cases: [LogicalType, Exclude<CellValue, null | typeof unchanged>, string][] = [
    [{ kind: 'bool' }, true, 't'],
    [{ kind: 'bool' }, false, 'f'],
    [{ kind: 'bool' }, 't', 't'],
    [int, -7, '-7'],
    [int, 9007199254740993n, '9007199254740993'],
    [int, '-9223372036854775808', '-9223372036854775808'],
    [{ kind: 'uint', bits: 64 }, 18446744073709551615n, '18446744073709551615'],
    [float, 0.1, '0.1'],
    [float, -0, '-0'],
    [float, 1e21, '1e+21'],
    [float, Number.NaN, 'NaN'],
    [float, -Infinity, '-Infinity'],
    [decimal, '12345678901234567890.12', '12345678901234567890.12'],
    [decimal, 1.5, '1.5'],
    [decimal, 1.5e-7, '0.00000015'],
    [decimal, -1e-7, '-0.0000001'],
    [decimal, 1.25e21, '1250000000000000000000'],
    [decimal, -1e21, '-1000000000000000000000'],
    [decimal, Number.NaN, 'NaN'],
    [{ kind: 'string' }, 'Grüße, 世界 🦭', 'Grüße, 世界 🦭'],
    [{ kind: 'string' }, '\ufeffwith a mark', '\ufeffwith a mark'],
    [{ kind: 'string' }, '', ''],
    [{ kind: 'enum' }, 'open', 'open'],
    [{ kind: 'date' }, day('2024-02-29T23:59:59Z'), '2024-02-29'],
    [{ kind: 'date' }, day('0000-03-15T00:00:00Z'), '0000-03-15'],
    [{ kind: 'date' }, day('-000043-03-15T00:00:00Z'), '-000043-03-15'],
    [{ kind: 'date' }, day('+010000-01-01T00:00:00Z'), '10000-01-01'],
    [{ kind: 'timestamp' }, day('2024-02-29T10:20:30.000Z'), '2024-02-29T10:20:30'],
    [{ kind: 'timestamp' }, day('2024-02-29T10:20:30.120Z'), '2024-02-29T10:20:30.12'],
    [{ kind: 'timestamp' }, day('2024-02-29T10:20:00.000Z'), '2024-02-29T10:20:00'],
    [{ kind: 'timestamptz' }, day('2024-02-29T10:20:30.007Z'), '2024-02-29T10:20:30.007Z'],
    [{ kind: 'timestamptz' }, day('-000043-03-15T00:00:00Z'), '-000043-03-15T00:00:00Z'],
    [{ kind: 'timestamptz' }, '2024-02-29T10:20:30.123456Z', '2024-02-29T10:20:30.123456Z'],
    [{ kind: 'time' }, '24:00:00', '24:00:00'],
    [{ kind: 'timetz' }, '10:20:30+05:45', '10:20:30+05:45'],
    [{ kind: 'interval' }, 'P1Y2M3DT4H', 'P1Y2M3DT4H'],
    [{ kind: 'uuid' }, '00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001'],
    [{ kind: 'json' }, { a: [1, null, true, 'x'] }, '{"a":[1,null,true,"x"]}'],
    [{ kind: 'json' }, '{"as": "stored"}', '{"as": "stored"}'],
    [{ kind: 'json' }, true, 'true'],
    [{ kind: 'json' }, 7, '7'],
    [{ kind: 'json' }, 9007199254740993n, '9007199254740993'],
    [array, [1, null, Number.NaN, Infinity, [-Infinity]], '[1,null,"NaN","Infinity",["-Infinity"]]'],
    [{ kind: 'other' }, '(1,2)', '(1,2)'],
  ];

  test.each(cases)('%j %o is %s', (type, value, text) => {
    expect(new TextDecoder('utf-8', { ignoreBOM: true }).decode(canonicalCell(value, type))).toBe(text);
  });

  test.each(cases)('%j %o is %s again when a cursor reads it', (type, value, text) => {
    const table = tableOf(type);
    const batch = new BatchBuilder().begin(commit).insert(table, { c0: value }).build(null);
    expect(new RowCursor(batch).at(0).after.text(0)).toBe(text);
  });

  test('leaves bytes as they are', () => {
    const bytes = Uint8Array.of(0, 255, 128, 10);
    expect(canonicalCell(bytes, { kind: 'bytes' })).toEqual(bytes);
    const batch = new BatchBuilder().begin(commit).insert(tableOf({ kind: 'bytes' }), { c0: bytes }).build(null);
    expect(new RowCursor(batch).at(0).after.bytes(0)).toEqual(bytes);
  });
});

describe('BatchBuilder', () => {
  test('writes each kind of row with its images', () => {
    const batch = new BatchBuilder()
      .begin(commit)
      .insert(pair, { c0: 1, c1: 'a' })
      .update(pair, { c0: 2, c1: unchanged }, { c0: 1 })
      .update(pair, { c0: 2, c1: 'b' })
      .delete(pair, { c0: 2 })
      .read(pair, { c0: 3, c1: '' })
      .truncate(pair)
      .build(null);
    const rows = Array.from(new RowCursor(batch), ({ op, ordinal, after, before }) => [
      op,
      ordinal,
      after.exists && [after.text(0), after.text(1)],
      before.exists && [before.text(0), before.text(1)],
    ]);
    expect(rows).toEqual([
      [Op.insert, 1, ['1', 'a'], false],
      [Op.update, 2, ['2', null], ['1', null]],
      [Op.update, 3, ['2', 'b'], false],
      [Op.delete, 4, false, ['2', null]],
      [Op.read, 5, ['3', ''], false],
      [Op.truncate, 6, false, false],
    ]);
  });

  test('tells NULL, unchanged and empty apart; a missing column is NULL', () => {
    const batch = new BatchBuilder()
      .begin(commit)
      .insert(pair, { c0: null, c1: unchanged })
      .insert(pair, { c1: '' })
      .build(null);
    const rows = Array.from(new RowCursor(batch), ({ after }) =>
      [0, 1].map((column) => [after.isNull(column), after.isUnchanged(column)]),
    );
    expect(rows).toEqual([
      [[true, false], [false, true]],
      [[true, false], [false, false]],
    ]);
  });

  test('a logical message has no table and two cells', () => {
    const batch = new BatchBuilder().begin(commit).message('audit', Uint8Array.of(0, 255)).build(null);
    const row = new RowCursor(batch).at(0);
    expect([row.op, batch.table[0], row.after.text(0)]).toEqual([Op.message, NO_TABLE, 'audit']);
    expect(row.after.bytes(1)).toEqual(Uint8Array.of(0, 255));
  });

  test('numbers the rows of each transaction from 1, also across batches', () => {
    const builder = new BatchBuilder().begin(commit).insert(pair, { c0: 1 }).insert(pair, { c0: 2 });
    const first = builder.begin(next).insert(pair, { c0: 3 }).build(null);
    const second = builder.insert(pair, { c0: 4 }).build({ position: 'b', state: 1 });
    const seen = [first, second].map((batch) =>
      Array.from(new RowCursor(batch), (row) => [row.commit, row.ordinal, row.table]),
    );
    expect(seen).toEqual([
      [[commit, 1, pair], [commit, 2, pair], [next, 1, pair]],
      [[next, 2, pair]],
    ]);
    expect([first.checkpoint, second.checkpoint]).toEqual([null, { position: 'b', state: 1 }]);
    expect([first.commits, second.commits]).toEqual([[commit, next], [next]]);
  });

  test('marks one batch as a chunk of a snapshot', () => {
    const other = tableOf({ kind: 'uuid' });
    const builder = new BatchBuilder().begin(commit).read(other, {}).read(pair, { c0: 1 });
    const chunk = builder.chunk(pair, { range: { after: null, upTo: ['1'] }, last: true }).build(null);
    expect(chunk.chunk).toEqual({ table: 1, range: { after: null, upTo: ['1'] }, last: true });
    expect(chunk.tables[chunk.chunk!.table]).toBe(pair);
    expect(builder.read(pair, { c0: 2 }).build(null).chunk).toBeNull();
  });

  test('an empty chunk still names its table', () => {
    const batch = new BatchBuilder().chunk(pair, { range: { after: ['1'], upTo: null }, last: true }).build(null);
    expect([batch.rows, batch.tables[batch.chunk!.table]]).toEqual([0, pair]);
  });

  test('carries schema changes in order, before the rows of their batch', () => {
    const builder = new BatchBuilder().begin(commit);
    builder.schemaChange({ table: pair, change: 'create' }).schemaChange({ table: pair, change: 'add', column: 'c1', value: null });
    expect(builder.build(null).schemaChanges.map(({ change }) => change)).toEqual(['create', 'add']);
    expect(builder.build(null).schemaChanges).toEqual([]);
  });

  test('refuses a row outside a transaction', () => {
    expect(() => new BatchBuilder().insert(pair, { c0: 1 })).toThrow(expect.objectContaining({ code: 'WEIR_SDK_USE' }));
  });

  test('counts the rows of the batch that is being built', () => {
    const builder = new BatchBuilder().begin(commit).insert(pair, {}).insert(pair, {});
    expect(builder.rows).toBe(2);
    builder.build(null);
    expect(builder.rows).toBe(0);
  });
});
