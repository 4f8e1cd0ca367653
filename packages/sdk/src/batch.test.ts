import { describe, expect, test } from 'vitest';
import { BatchBuilder } from './batch-builder.ts';
import { Op, emptyBatch, filterRows, forEachTable, type Batch, type Commit } from './batch.ts';
import { RowCursor } from './row-cursor.ts';
import type { Table } from './table.ts';

const commit: Commit = { position: '0', version: 1n, time: 0, transactionId: '1' };
const checkpoint = { position: '1', state: null };

function tableNamed(name: string): Table {
  const column = { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false, sourceType: 'bigint' } as const;
  return { namespace: 'public', name, version: 1, columns: [column], key: [0] };
}

const orders = tableNamed('orders');
const lines = tableNamed('lines');

function mixed(): Batch {
  return new BatchBuilder()
    .begin(commit)
    .insert(orders, { id: 1 })
    .insert(lines, { id: 10 })
    .message('audit', Uint8Array.of(1))
    .update(orders, { id: 2 }, { id: 1 })
    .delete(lines, { id: 10 })
    .build(checkpoint);
}

describe('emptyBatch', () => {
  test('carries a checkpoint and no rows', () => {
    const batch = emptyBatch(checkpoint, [], 7);
    expect([batch.checkpoint, batch.rows, batch.skipped, batch.bytes]).toEqual([checkpoint, 0, 7, 0]);
    expect([...new RowCursor(batch)]).toEqual([]);
    batch.release();
  });
});

describe('filterRows', () => {
  test('keeps the rows that are accepted, in order, and everything else of the batch', () => {
    const batch = mixed();
    const filtered = filterRows(batch, (row) => row % 2 === 1);
    const rows = Array.from(new RowCursor(filtered), (row) => {
      const images = [row.after.text(0), row.before.text(0)];
      return [row.op, row.table, row.ordinal, row.commit, ...images];
    });
    expect(rows).toEqual([
      [Op.insert, lines, 2, commit, '10', null],
      [Op.update, orders, 4, commit, '2', '1'],
    ]);
    expect(filtered).toMatchObject({ tables: batch.tables, checkpoint, bytes: batch.bytes, skipped: 0 });
  });

  test('may keep none', () => {
    expect(filterRows(mixed(), () => false)).toMatchObject({ rows: 0, checkpoint });
  });

  test('is the batch itself when every row stays', () => {
    const batch = mixed();
    expect(filterRows(batch, () => true)).toBe(batch);
  });

  test('asks about each row once', () => {
    const asked: number[] = [];
    filterRows(mixed(), (row) => asked.push(row) > 2);
    expect(asked).toEqual([0, 1, 2, 3, 4]);
  });

  test('releases the batch that it shares its slab with', () => {
    let released = 0;
    const filtered = filterRows({ ...mixed(), release: () => void released++ }, (row) => row === 0);
    filtered.release();
    expect(released).toBe(1);
  });
});

describe('forEachTable', () => {
  test('gives the rows of each table in order and leaves messages out', () => {
    const groups: [string, number[]][] = [];
    forEachTable(mixed(), (table, rows) => groups.push([table.name, [...rows]]));
    expect(groups).toEqual([
      ['orders', [0, 3]],
      ['lines', [1, 4]],
    ]);
  });

  test('leaves out tables without rows', () => {
    const filtered = filterRows(mixed(), (row) => row === 4);
    const groups: [string, number[]][] = [];
    forEachTable(filtered, (table, rows) => groups.push([table.name, [...rows]]));
    expect(groups).toEqual([['lines', [0]]]);
  });

  test('visits nothing in a batch without rows', () => {
    forEachTable(emptyBatch(checkpoint), () => expect.unreachable());
    expect(emptyBatch(checkpoint).rows).toBe(0);
  });
});
