import { VisibleTransactions } from '@weir/source-postgres/parts';
import { expect, test } from 'vitest';
import { Database } from './database.ts';
import type { SimTransaction } from './sim-transaction.ts';
import type { Statement } from './statement.ts';

const put = (key: string, table = 'orders'): Statement => ({ does: 'put', table, key, keepsLarge: false });

function begun(database: Database, ...statements: readonly Statement[]): SimTransaction {
  const transaction = database.begin();
  for (const statement of statements) database.run(transaction, statement);
  return transaction;
}

function keys(database: Database, table = 'orders'): string[] {
  return database.rows(database.table(table), database.snapshot()).map(([id]) => id!);
}

test('transactions commit in another order than their ids, and a commit begins where the one before ended', () => {
  const database = new Database();
  const [first, second] = [begun(database, put('1')), begun(database, put('2'))];
  database.commit(second, true);
  database.commit(first, true);
  expect(first.id).toBeLessThan(second.id);
  expect(first.commitLsn).toBe(second.endLsn);
});

test('a commit that waits for a standby is in the log, and nobody sees it, nor may write what it wrote', () => {
  const database = new Database();
  const hidden = begun(database, put('1'));
  database.commit(hidden, false);
  expect(database.log.at(-1)).toMatchObject({ kind: 'commit' });
  expect(keys(database)).toEqual([]);
  expect(database.row('orders', '1', database.upTo(database.end))).not.toBeNull();
  const other = begun(database, put('1'), put('2'));
  expect(other.changes).toHaveLength(1);
  database.show(hidden);
  expect(keys(database)).toEqual(['1']);
});

test('a snapshot says in its text what it sees, with ids that go round', () => {
  const database = new Database();
  const transactions = Array.from({ length: 20 }, () => begun(database));
  for (const transaction of transactions.filter((_, index) => index % 3 > 0)) database.commit(transaction, true);
  const snapshot = database.snapshot();
  const read = new VisibleTransactions(snapshot.text);
  for (const transaction of transactions) expect(read.sees(transaction.id % 2 ** 32)).toBe(snapshot.sees(transaction));
  expect(transactions.some(({ id }) => id % 2 ** 32 < 100)).toBe(true);
});

test('what was written behind a savepoint is gone with it', () => {
  const database = new Database();
  const transaction = begun(database, put('1'), { does: 'savepoint' }, put('2'), { does: 'savepoint' }, put('3'), { does: 'release' });
  database.run(transaction, { does: 'rollback to savepoint' });
  database.run(transaction, put('4'));
  database.commit(transaction, true);
  expect(keys(database).toSorted()).toEqual(['1', '4']);
});

test('what cannot be is left out: a key that is locked, a row that is not there, a key that is taken', () => {
  const database = new Database();
  database.commit(begun(database, put('1'), put('2')), true);
  const transaction = begun(
    database,
    { does: 'delete', table: 'orders', key: '3' },
    { does: 'move', table: 'orders', key: '1', to: '2', keepsLarge: false },
  );
  expect(transaction.changes).toEqual([]);
});

test('who needs a lock that somebody else holds is told to wait, and gets it when that one has ended', () => {
  const database = new Database();
  const holder = begun(database, put('1'));
  const other = database.begin();
  expect(database.run(other, put('1'))).toBe('waits');
  expect(database.run(other, { does: 'truncate', table: 'orders' })).toBe('waits');
  expect(database.run(other, put('2'))).toBe('done');
  database.rollBack(holder);
  expect(database.run(other, put('1'))).toBe('done');
  expect(database.run(other, { does: 'insert', table: 'orders', key: '1', values: {} })).toBe('left out');
});

test('an update keeps what it does not name, and the log has a large value only where it was written', () => {
  const database = new Database();
  const transaction = begun(
    database,
    { does: 'insert', table: 'orders', key: '1', values: { label: 'a', large: 'much' } },
    { does: 'update', table: 'orders', key: '1', values: { label: 'b' } },
    { does: 'update', table: 'orders', key: '1', to: '2', values: {} },
    { does: 'update', table: 'orders', key: '2', values: { large: null } },
    { does: 'update', table: 'orders', key: '2', values: { label: 'c' } },
  );
  database.commit(transaction, true);
  expect(transaction.changes.map(({ keepsLarge }) => keepsLarge)).toEqual([false, true, true, false, false]);
  expect(database.rows(database.table('orders'), database.snapshot())).toEqual([['2', 'c', null]]);
});

test('a form of a table is its transaction’s own until others see the commit; rows have the form of their time', () => {
  const database = new Database();
  database.commit(begun(database, put('1')), true);
  const names = (): string[] => database.table('orders').shape.columns.map(({ name }) => name);
  const add: Statement = { does: 'reshape', table: 'orders', how: { change: 'add', column: 'extra', value: 'x' } };
  const insert: Statement = { does: 'insert', table: 'orders', key: '2', values: { label: 'a', large: 'b' } };
  const given = begun(database, put('3'), add, insert, { does: 'reshape', table: 'orders', how: { change: 'drop', column: 'label' } });
  expect(names()).toEqual(['id', 'label', 'large']);
  database.commit(given, false);
  expect(names()).toEqual(['id', 'label', 'large']);
  database.show(given);
  expect(names()).toEqual(['id', 'large', 'extra']);
  expect(given.changes.map(({ table }) => table.shape.columns.length)).toEqual([3, 4]);
  expect(database.rows(database.table('orders'), database.snapshot()).map((cells) => cells[2])).toEqual(['x', 'x', 'x']);
});

test('a form that was taken back was never there: with its transaction, or with a savepoint', () => {
  const database = new Database();
  const drop: Statement = { does: 'reshape', table: 'orders', how: { change: 'drop', column: 'large' } };
  database.rollBack(begun(database, drop));
  const transaction = begun(database, { does: 'savepoint' }, drop, { does: 'rollback to savepoint' }, put('1'));
  database.commit(transaction, true);
  expect(database.table('orders').shape.columns).toHaveLength(3);
  expect(transaction.changes[0]!.table).toBe(database.table('orders'));
});

test('a slot that has forgotten what is asked for refuses (invariant 6)', () => {
  const database = new Database();
  expect(() => database.checkSlot(1)).toThrow('the slot is gone');
  database.confirmed = 10;
  expect(() => database.checkSlot(10)).not.toThrow();
  expect(() => database.checkSlot(9)).toThrow('the slot stands at 10, the checkpoint at 9');
});
