import { connect } from '@weir/postgres';
import { secret, type Checkpoint, type Shard } from '@weir/sdk';
import { describe, expect, it } from 'vitest';
import { CheckpointRow } from './checkpoint.ts';
import { makeOwnTables } from './own-tables.ts';
import { TestDatabase } from './testing/test-database.ts';
import { useTestServer } from './testing/test-server.ts';
import { Transaction } from './transaction.ts';

const server = useTestServer();
const shard: Shard = { pipeline: 'shop', sink: 'warehouse', shard: 0 };
const { signal } = new AbortController();
const at = (number: number, state: Checkpoint['state'] = null): Checkpoint => ({ position: String(number), state });
const doing = { doing: 'testing' };

/** A shard's row whose fence is taken, on a connection of its own, and a table to write to. */
async function taken(database: TestDatabase) {
  const transaction = new Transaction(await connect({ url: secret.parse(database.url) }, signal));
  await makeOwnTables(transaction);
  await database.sql('CREATE TABLE IF NOT EXISTS seen (number integer)');
  const row = await CheckpointRow.take(transaction, shard);
  const insert = async (number: number): Promise<unknown> => await transaction.run(`INSERT INTO seen VALUES (${number})`, doing);
  return { row, transaction, insert, [Symbol.asyncDispose]: async () => await transaction.end() };
}

describe('the checkpoint', () => {
  it('is committed with what was written, and its state is written when it is another one', async () => {
    await using database = await TestDatabase.create(server.url);
    await using session = await taken(database);
    const state = { slot: "it's" };
    for (const checkpoint of [at(1, state), at(2, state), at(3, { slot: 'other' }), at(4)]) {
      await session.row.begin();
      await session.insert(Number(checkpoint.position));
      await session.row.commit(checkpoint, 0);
      expect(session.transaction.isOpen).toBe(false);
      expect(await session.row.read()).toEqual(checkpoint);
    }
    expect(await database.sql('SELECT count(*) FROM seen')).toEqual([['4']]);
  });

  it('of a session whose fence is another one undoes everything with it (invariant 5)', async () => {
    await using database = await TestDatabase.create(server.url);
    await using session = await taken(database);
    await session.row.begin();
    await session.insert(1);
    // Nobody else can while the row is locked.
    await session.transaction.run('UPDATE weir.checkpoint SET fence = fence + 1', doing);
    await expect(session.row.commit(at(1), 0)).rejects.toMatchObject({ code: 'WEIR_PG_FENCED' });
    await session.transaction.end();
    expect(await database.sql('SELECT (SELECT count(*) FROM seen), fence, position FROM weir.checkpoint')).toEqual([
      ['0', '1', null],
    ]);
  });
});
