import { BatchBuilder, type Table } from '@weir/sdk';
import { seeBatch } from '@weir/testkit';
import { expect, test } from 'vitest';
import { GatheredRows } from './gathered-rows.ts';

const table = (name: string): Table => ({
  namespace: 'public',
  name,
  version: 1,
  key: [0],
  columns: [
    { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false, sourceType: 'bigint' },
    { name: 'note', type: { kind: 'string' }, nullable: true, sourceType: 'text' },
  ],
});
const [first, second] = [table('first'), table('second')];
const commitOf = (number: number) => ({ position: String(number), version: BigInt(number), time: number, transactionId: String(number) });

test('rows of several batches are those of one, with their commits, images and places', () => {
  const one = new BatchBuilder().begin(commitOf(1)).insert(first, { id: '1', note: 'a' }).insert(second, { id: '2', note: null });
  const two = new BatchBuilder().begin(commitOf(2)).update(second, { id: '2', note: 'b' }, { id: '2', note: null }).delete(first, { id: '1', note: 'a' });
  const batches = [one.build(null), two.build(null)];
  const gathered = new GatheredRows();
  for (const batch of batches) gathered.add(batch);
  const batch = gathered.take()!;
  expect(seeBatch(batch).rows).toEqual(batches.flatMap((each) => seeBatch(each).rows));
  expect(batch.tables).toEqual([first, second]);
  expect(gathered.take()).toBeNull();
});

test('batches of a copy, with changes of shape or of few tables do not gather', () => {
  const batch = new BatchBuilder().begin(commitOf(1)).insert(first, { id: '1' }).insert(second, { id: '2' }).build(null);
  expect(GatheredRows.takes(batch, 1)).toBe(true);
  expect(GatheredRows.takes(batch, 2)).toBe(false);
  expect(GatheredRows.takes({ ...batch, chunk: { table: 0, range: null, last: true } }, 1)).toBe(false);
  expect(GatheredRows.takes({ ...batch, schemaChanges: [{ table: first, change: 'key' }] }, 1)).toBe(false);
});
