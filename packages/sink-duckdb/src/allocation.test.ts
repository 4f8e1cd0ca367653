import { BATCH_ROWS, BatchWriter, Op, type Batch, type Table } from '@weir/sdk';
import { heapGrowth } from '@weir/testkit';
import { expect, test } from 'vitest';
import { TemporaryDatabase } from './testing/temporary-database.ts';

/** Less than the smallest object: what batches and chunks of rows need is far below it. */
const BYTES_PER_ROW = 8;

/** Without numbers beyond 31 bits: where V8 does not compile an encoder into its loop, one that it reads is an object for a moment. */
const table: Table = {
  namespace: 'public',
  name: 'orders',
  version: 1,
  key: [0],
  columns: [
    { name: 'id', type: { kind: 'int', bits: 32 }, nullable: false, sourceType: 'integer' },
    { name: 'city', type: { kind: 'string' }, nullable: true, sourceType: 'text' },
    { name: 'code', type: { kind: 'uuid' }, nullable: true, sourceType: 'uuid' },
    { name: 'paid', type: { kind: 'bool' }, nullable: true, sourceType: 'boolean' },
  ],
};
const cells = ['4711', 'a city with a name that is longer than a slot', '6f1c0a9e-5a5e-4d59-8a3e-0d8c2f7b1a11', 't'];

/** One batch that is written again and again: the table of the sink has no key of its own. */
function fullBatch(): Batch {
  const writer = new BatchWriter();
  writer.addCommit({ position: '1', version: 1n, time: 0, transactionId: '1' });
  for (let row = 0; row < BATCH_ROWS; row++) {
    writer.beginRow(Op.insert, writer.tableIndex(table), 0, row + 1);
    writer.beginAfter();
    for (const cell of cells) writer.cell(writer.append(Buffer.from(cell)), cell.length);
  }
  return writer.close(null);
}

test('rows are appended without an object each', async () => {
  await using database = await TemporaryDatabase.make();
  const sink = database.sink();
  const session = await sink.open({ pipeline: 'shop', sink: 'warehouse', shard: 0 }, new AbortController().signal);
  if (session.mode !== 'transactional') throw new Error('the sink is of another class');
  await session.recover();
  const batch = fullBatch();
  await session.write({ ...batch, rows: 0, schemaChanges: [{ table, change: 'create', reason: 'new' }] });
  let position = 0;
  const append = async (rows: number): Promise<void> => {
    for (let written = 0; written < rows; written += BATCH_ROWS) await session.write(batch);
    await session.commit({ position: String(++position), state: null });
  };
  expect(await heapGrowth(append, BYTES_PER_ROW)).toBeLessThan(BYTES_PER_ROW);
  await session[Symbol.asyncDispose]();
});
