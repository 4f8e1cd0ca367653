import { describe, expect, test } from 'vitest';
import { BatchBuilder, unchanged } from './batch-builder.ts';
import { Op, type Batch, type Commit } from './batch.ts';
import { RowCursor } from './row-cursor.ts';
import type { Table } from './table.ts';

const commit: Commit = { position: 'a', version: 1n, time: 5, transactionId: '1' };
const orders: Table = {
  namespace: 'public',
  name: 'orders',
  version: 1,
  columns: [
    { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false, sourceType: 'bigint' },
    { name: 'paid', type: { kind: 'bool' }, nullable: true, sourceType: 'boolean' },
    { name: 'total', type: { kind: 'decimal', precision: 12, scale: 2 }, nullable: true, sourceType: 'numeric(12,2)' },
    { name: 'note', type: { kind: 'string' }, nullable: true, sourceType: 'text' },
  ],
  key: [0],
};

function sample(): Batch {
  return new BatchBuilder()
    .begin(commit)
    .insert(orders, { id: 9007199254740993n, paid: true, total: '12.50', note: '\ufeffmärz' })
    .update(orders, { id: 2, paid: false, total: null, note: unchanged }, { id: 1, paid: null, total: '1', note: 'old' })
    .delete(orders, { id: 2 })
    .build(null);
}

describe('RowCursor', () => {
  test('walks the rows in order over one object', () => {
    const cursor = new RowCursor(sample());
    const seen = Array.from(cursor, (row) => [row === cursor, row.row, row.op, row.table, row.commit, row.ordinal]);
    expect(seen).toEqual([
      [true, 0, Op.insert, orders, commit, 1],
      [true, 1, Op.update, orders, commit, 2],
      [true, 2, Op.delete, orders, commit, 3],
    ]);
  });

  test('goes to any row', () => {
    const cursor = new RowCursor(sample());
    expect([2, 0, 1].map((row) => cursor.at(row).op)).toEqual([Op.delete, Op.insert, Op.update]);
  });
});

describe('ImageCursor', () => {
  test('reads values by type, exactly (invariant 9)', () => {
    const { after } = new RowCursor(sample()).at(0);
    expect(after.bigint(0)).toBe(9007199254740993n);
    expect(after.bool(1)).toBe(true);
    expect(after.text(2)).toBe('12.50');
    expect(after.number(2)).toBe(12.5);
    // A byte order mark is part of the value.
    expect(after.text(3)).toBe('\ufeffmärz');
    expect(after.bytes(3)).toEqual(new TextEncoder().encode('\ufeffmärz'));
  });

  test('says false for f, and throws for text that is no integer', () => {
    const { after } = new RowCursor(sample()).at(1);
    expect(after.bool(1)).toBe(false);
    expect(() => new RowCursor(sample()).at(0).after.bigint(2)).toThrow(SyntaxError);
  });

  test('gives null for NULL and for unchanged, and tells them apart', () => {
    const { after } = new RowCursor(sample()).at(1);
    for (const column of [2, 3]) {
      expect([after.bytes(column), after.text(column)]).toEqual([null, null]);
      expect([after.bigint(column), after.number(column), after.bool(column)]).toEqual([null, null, null]);
    }
    expect([after.isNull(2), after.isUnchanged(2)]).toEqual([true, false]);
    expect([after.isNull(3), after.isUnchanged(3)]).toEqual([false, true]);
  });

  test('reads the image before', () => {
    const { before } = new RowCursor(sample()).at(1);
    expect([before.exists, before.text(0), before.isNull(1), before.text(3)]).toEqual([true, '1', true, 'old']);
  });

  test('has no cell where the row has no such image', () => {
    const cursor = new RowCursor(sample());
    for (const image of [cursor.at(0).before, new RowCursor(sample()).at(2).after]) {
      expect(image.exists).toBe(false);
      for (let column = 0; column < orders.columns.length; column++) {
        expect([image.text(column), image.isNull(column), image.isUnchanged(column)]).toEqual([null, false, false]);
      }
    }
  });

  test('gives views of the slab, not copies', () => {
    const batch = sample();
    expect(new RowCursor(batch).at(0).after.bytes(3)!.buffer).toBe(batch.data.buffer);
  });
});
