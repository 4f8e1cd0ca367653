import { describe, expect, test } from 'vitest';
import { BatchBuilder } from './batch-builder.ts';
import type { KeyRange } from './key-range.ts';
import type { LogicalType } from './logical-type.ts';
import type { Table } from './table.ts';
import { expectInRange, tableRows } from './table-rows.ts';

function keyed(name: string, type: LogicalType = { kind: 'int', bits: 64 }): Table {
  const id = { name: 'id', type, nullable: false, sourceType: 'x' };
  return { namespace: 'public', name, version: 1, columns: [id], key: [0] };
}

const orders = keyed('orders');
const lines = keyed('lines');
const upTo9: KeyRange = { after: ['2'], upTo: ['9'] };

function builder(): BatchBuilder {
  return new BatchBuilder().begin({ position: '1', version: 1n, time: 0, transactionId: '1' });
}

describe('the rows of a batch', () => {
  test('are given table by table, in order, without messages', () => {
    const rows = builder().insert(orders, { id: 1 }).insert(lines, { id: 1 }).message('m', Uint8Array.of(1));
    const parts = tableRows(rows.insert(orders, { id: 2 }).build(null));
    expect(parts).toEqual([
      { table: orders, rows: Uint32Array.of(0, 3), range: null },
      { table: lines, rows: Uint32Array.of(1), range: null },
    ]);
  });

  test('come with the range that they are all of', () => {
    const copied = builder().read(orders, { id: 3 }).chunk(orders, { range: upTo9, last: false }).build(null);
    expect(tableRows(copied)).toEqual([{ table: orders, rows: Uint32Array.of(0), range: upTo9 }]);
  });

  test('are none where a range is empty', () => {
    const empty = new BatchBuilder().chunk(orders, { range: upTo9, last: true }).build(null);
    expect(tableRows(empty)).toEqual([{ table: orders, rows: new Uint32Array(0), range: upTo9 }]);
  });

  test('have no range where keys have no order', () => {
    const table = keyed('t', { kind: 'other' });
    const batch = builder().read(table, { id: 'x' }).chunk(table, { range: upTo9, last: true }).build(null);
    expect(() => tableRows(batch)).toThrow(expect.objectContaining({ code: 'WEIR_SDK_USE' }));
  });
});

describe('a row beside its range', () => {
  test.each([['2', false], ['3', true], ['9', true], ['10', false]])('%s is found', (id, isIn) => {
    const batch = builder().read(orders, { id }).chunk(orders, { range: upTo9, last: false }).build(null);
    const found: unknown[] = [];
    try {
      expectInRange(batch, tableRows(batch)[0]!);
    } catch (error) {
      found.push(error);
    }
    const refused = expect.objectContaining({ code: 'WEIR_SDK_USE', table: 'public.orders' }) as unknown;
    expect(found).toEqual(isIn ? [] : [refused]);
  });

  test('is found by the hexadecimal digits of its bytes', () => {
    const table = keyed('t', { kind: 'bytes' });
    const range = { after: ['00ff'], upTo: ['01'] };
    const batch = builder().read(table, { id: Uint8Array.of(1) }).chunk(table, { range, last: false }).build(null);
    expect(() => expectInRange(batch, tableRows(batch)[0]!)).not.toThrow();
  });
});
