import { BatchWriter, Op, type Key, type Table } from '@weir/sdk';
import { expect, test } from 'vitest';
import { CopyJudge } from './copy-judge.ts';

const table: Table = {
  namespace: 'public',
  name: 'items',
  version: 1,
  columns: [
    { name: 'id', type: { kind: 'int', bits: 32 }, nullable: false, sourceType: 'integer' },
    { name: 'body', type: { kind: 'string' }, nullable: true, sourceType: 'text' },
  ],
  key: [0],
};

/** Null: an unchanged cell. */
type Image = readonly (string | null)[] | null;

/** Judges one row while keys below 10 are copied, and says what becomes of it. */
function judged(op: Op, before: Image, after: Image): { keeps: boolean; op: Op; holes: Key[] } {
  const writer = new BatchWriter();
  writer.beginRow(op, writer.tableIndex(table), writer.addCommit({ position: 'p', version: 1n, time: 0, transactionId: '1' }), 1);
  const write = (image: Image): void => {
    for (const cell of image ?? []) {
      if (cell === null) writer.unchangedCell();
      else writer.cell(writer.append(Buffer.from(cell)), cell.length);
    }
  };
  if (before !== null) writer.beginBefore();
  write(before);
  if (after !== null) writer.beginAfter();
  write(after);
  const holes: Key[] = [];
  const judge = new CopyJudge(table, {
    delivers: (key) => Number(key[0]) < 10,
    addHole: (key) => holes.push(key),
    truncated: () => {},
  });
  const keeps = judge.keeps(writer);
  return { keeps, op: writer.lastRow.op, holes };
}

test.each([
  ['an insert of a copied key', Op.insert, null, ['1', 'a'], { keeps: true, op: Op.insert }],
  ['an insert of another', Op.insert, null, ['11', 'a'], { keeps: false }],
  ['a delete of a copied key', Op.delete, ['1', null], null, { keeps: true, op: Op.delete }],
  ['a delete of another', Op.delete, ['11', null], null, { keeps: false }],
  ['an update', Op.update, null, ['1', null], { keeps: true, op: Op.update }],
  ['an update with the old row', Op.update, ['1', 'a'], ['1', 'b'], { keeps: true, op: Op.update }],
  ['an update of another key', Op.update, null, ['11', null], { keeps: false }],
  ['a key that changes among the copied ones', Op.update, ['1', null], ['2', null], { keeps: true, op: Op.update }],
  ['a key that changes among the others', Op.update, ['11', null], ['12', null], { keeps: false }],
  ['a key that leaves the copied ones', Op.update, ['1', null], ['11', null], { keeps: true, op: Op.delete }],
  ['a key that comes among them', Op.update, ['11', null], ['1', 'a'], { keeps: true, op: Op.insert }],
  ['one that comes without a value', Op.update, ['11', null], ['1', null], { keeps: false, holes: [['1']] }],
  ['a key that is too large to be sent again', Op.update, ['1', 'a'], [null, 'b'], { keeps: true, op: Op.update }],
] as const)('%s', (_what, op, before, after, expected) => {
  expect(judged(op, before, after)).toMatchObject({ holes: [], ...expected });
});
