import { describe, expect, test } from 'vitest';
import type { Batch } from './batch.ts';
import { BatchBuilder, unchanged } from './batch-builder.ts';
import { CopiedRanges } from './copied-ranges.ts';
import type { KeyRange } from './key-range.ts';
import type { Table } from './table.ts';
import { tableRows } from './table-rows.ts';

const orders: Table = {
  namespace: 'public',
  name: 'orders',
  version: 1,
  columns: [
    { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false, sourceType: 'bigint' },
    { name: 'note', type: { kind: 'string' }, nullable: true, sourceType: 'text' },
  ],
  key: [0],
};

function streamed(fill: (rows: BatchBuilder) => unknown): Batch {
  const rows = new BatchBuilder().begin({ position: '1', version: 1n, time: 0, transactionId: '1' });
  fill(rows);
  return rows.build(null);
}

function range(after: string | null, upTo: string | null): KeyRange {
  return { after: after === null ? null : [after], upTo: upTo === null ? null : [upTo] };
}

/** What each of some ranges and streamed batches says: whether its keys may be there; null for rows. */
function answers(copied: CopiedRanges, ...events: readonly (KeyRange | Batch)[]): (boolean | null)[] {
  return events.map((event) => {
    if ('upTo' in event) return copied.begin(orders, event);
    for (const part of tableRows(event)) copied.add(event, part);
    return null;
  });
}

describe('the keys of a range', () => {
  test('are not there in a table that was made empty, as long as the ranges follow each other', () => {
    const copied = new CopiedRanges(true);
    expect(answers(copied, range(null, '5'), range('5', '9'), range('9', null))).toEqual([false, false, false]);
    expect(answers(copied, range(null, '5'), range('5', '9'))).toEqual([true, true]);
  });

  test('may be there in a table that was there', () => {
    expect(answers(new CopiedRanges(false), range(null, '5'), range('5', null))).toEqual([true, true]);
  });

  test('may be there behind a range that did not follow', () => {
    expect(answers(new CopiedRanges(true), range('5', '9'), range('9', null))).toEqual([true, true]);
    const again = answers(new CopiedRanges(true), range(null, '5'), range(null, '5'), range('5', '9'));
    expect(again).toEqual([false, true, true]);
  });

  test('are not there when streamed rows were of keys that were copied', () => {
    const rows = streamed((of) => {
      of.update(orders, { id: 5, note: 'five' });
      of.update(orders, { id: unchanged, note: 'four' }, { id: 4 });
      of.delete(orders, { id: 7 }).truncate(orders);
    });
    expect(answers(new CopiedRanges(true), range(null, '5'), rows, range('5', '9'))).toEqual([false, null, false]);
  });

  test('may be there when a streamed row was of a key that was not copied, or came before the copy', () => {
    const six = streamed((of) => of.insert(orders, { id: 6 }));
    expect(answers(new CopiedRanges(true), range(null, '5'), six, range('5', '9'))).toEqual([false, null, true]);
    expect(answers(new CopiedRanges(true), six, range(null, '5'))).toEqual([null, true]);
  });

  test('may be there when the key has other columns', () => {
    const copied = new CopiedRanges(true);
    copied.begin(orders, range(null, '5'));
    expect(copied.begin({ ...orders, key: [1] }, range('5', '9'))).toBe(true);
  });
});
