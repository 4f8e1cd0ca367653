import { afterAll, beforeAll, expect, test } from 'vitest';
import { TOTAL } from './bank.ts';
import { checkCommits, commitsChecked } from './commit-check.ts';
import { ChaosServer } from './server.ts';

let server: ChaosServer;

beforeAll(async () => {
  server = await ChaosServer.start();
  await server.ask('postgres', 'CREATE DATABASE mirror');
  await server.ask(
    'mirror',
    `CREATE SCHEMA weir;
     CREATE TABLE weir.checkpoint (sink text, position text);
     INSERT INTO weir.checkpoint VALUES ('mirror', 'a'), ('history', 'a');
     CREATE TABLE accounts AS SELECT id, ${TOTAL} / 1000 AS balance, 0 AS moves FROM generate_series(1, 1000) id;
     CREATE TABLE transfers (debit int, credit int, amount int)`,
  );
  await checkCommits(server);
}, 60_000);

afterAll(async () => await server[Symbol.asyncDispose]());

const commit = async (change: string): Promise<unknown> => {
  return await server.ask('mirror', `BEGIN; UPDATE weir.checkpoint SET position = position || 'b' WHERE sink = 'mirror'; ${change}; COMMIT`);
};

test('a whole transfer is let through, whatever the order of its parts', async () => {
  await commit(`UPDATE accounts SET balance = balance - 5, moves = 1 WHERE id = 1; INSERT INTO transfers VALUES (1, 2, 5);
    UPDATE accounts SET balance = balance + 5, moves = 1 WHERE id = 2`);
  expect(await commitsChecked(server)).toBe(1);
});

test.each([
  ['half of a transfer', 'UPDATE accounts SET balance = balance - 5, moves = moves + 1 WHERE id = 3'],
  ['a transfer without its entry', 'UPDATE accounts SET balance = balance + CASE id WHEN 3 THEN -5 ELSE 5 END, moves = moves + 1 WHERE id IN (3, 4)'],
  ['an entry that stands twice', 'INSERT INTO transfers SELECT * FROM transfers LIMIT 1'],
  ['a lost account', 'DELETE FROM accounts WHERE id = 1000'],
])('%s is refused, and nothing of it is there (invariant 3)', async (_what, change) => {
  await expect(commit(change)).rejects.toThrow('the bank is not sound');
  const [row] = await server.ask('mirror', 'SELECT sum(balance) AS total FROM accounts');
  expect(row).toEqual({ total: String(TOTAL) });
});
