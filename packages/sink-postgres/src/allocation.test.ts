import { BATCH_ROWS, BatchBuilder, type Table } from '@weir/sdk';
import type { CopyWriter } from '@weir/postgres';
import type { Field } from '@weir/sql-sink';
import { heapGrowth } from '@weir/testkit';
import { expect, test } from 'vitest';
import { columnEncoder } from './column-encoders.ts';
import { CopyRows, copyFrames } from './copy-rows.ts';

/** Less than the smallest object: what frames need is far below it. */
const BYTES_PER_ROW = 8;

const noFields: readonly Field[] = [];
const table: Table = {
  namespace: 'public',
  name: 'orders',
  version: 1,
  key: [0],
  columns: [
    { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false, sourceType: 'bigint' },
    { name: 'city', type: { kind: 'string' }, nullable: true, sourceType: 'text' },
    { name: 'total', type: { kind: 'decimal', precision: 12, scale: 2 }, nullable: true, sourceType: 'numeric(12,2)' },
    { name: 'placed', type: { kind: 'timestamptz' }, nullable: true, sourceType: 'timestamptz' },
    { name: 'paid', type: { kind: 'bool' }, nullable: true, sourceType: 'boolean' },
  ],
};

test('rows go from a batch to the frames of a COPY without an object each', async () => {
  const builder = new BatchBuilder().begin({ position: '1', version: 1n, time: 0, transactionId: '1' });
  const row = { id: '4711', city: 'a city\twith a tab', total: '12.50', placed: '2026-11-29T10:00:00.5Z', paid: 't' };
  for (let count = 0; count < BATCH_ROWS; count++) builder.insert(table, row);
  const batch = builder.build(null);
  const columns = table.columns.map((_, index) => ({ index, encoder: columnEncoder(table, index) }));
  const sent = Promise.resolve();
  const copy = new CopyRows({ write: () => sent } as unknown as CopyWriter, copyFrames());
  let overhead = (_row: number): unknown => null;
  const write = async (rows: number): Promise<void> => {
    for (let written = 0; written < rows; written++) {
      overhead(written);
      const waiting = copy.row(noFields, batch, batch.after[written % BATCH_ROWS]!, columns, false);
      if (waiting !== null) await waiting;
    }
  };
  expect(await heapGrowth(write, BYTES_PER_ROW)).toBeLessThan(BYTES_PER_ROW);

  // The same with one small object per row, to show that the measure sees it.
  const kept: object[] = [];
  overhead = (written) => (kept[0] = { written });
  expect(await heapGrowth(write, BYTES_PER_ROW)).toBeGreaterThan(BYTES_PER_ROW);
});
