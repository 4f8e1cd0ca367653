import { BatchBuilder, tableName, type Batch, type Sink, type Table, type TransactionalSession } from '@weir/sdk';
import { expect, test } from 'vitest';
import { asKilled } from './testing/as-killed.ts';
import { TemporaryDatabase } from './testing/temporary-database.ts';

/** More than are open at once, so that their rows gather. DuckDB keeps more than 256 KiB for each that it cannot spill. */
const TABLES = 600;
const shard = { pipeline: 'shop', sink: 'warehouse', shard: 0 };

const tables = Array.from({ length: TABLES }, (_, number): Table => ({
  namespace: 'public',
  name: `t${number}`,
  version: 1,
  key: [0],
  columns: [
    { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false, sourceType: 'bigint' },
    { name: 'note', type: { kind: 'string' }, nullable: true, sourceType: 'text' },
  ],
}));

/** A batch with a row of each table. */
function rowsOfAll(number: number): Batch {
  const commit = { position: String(number), version: BigInt(number), time: 0, transactionId: String(number) };
  const builder = new BatchBuilder().begin(commit);
  for (const table of tables) builder.insert(table, { id: String(number), note: `a note of ${tableName(table)}` });
  return builder.build(null);
}

async function opened(database: TemporaryDatabase): Promise<TransactionalSession> {
  const session = (await database.sink().open(shard, new AbortController().signal)) as TransactionalSession;
  await session.recover();
  return session;
}

const title = 'rows of many tables are written with the usual memory limit, also when the file is opened anew, or behind a kill';
test(title, { timeout: 120_000 }, async () => {
  await using database = await TemporaryDatabase.make();
  {
    await using session = await opened(database);
    for (let first = 0; first < TABLES; first += 50) {
      const created = tables.slice(first, first + 50).map((table) => ({ table, change: 'create', reason: 'new' }) as const);
      await session.write({ ...new BatchBuilder().build(null), schemaChanges: created });
      await session.commit({ position: `0.${first}`, state: null });
    }
    for (const number of [1, 2, 3]) await session.write(rowsOfAll(number));
    await session.commit({ position: '3', state: null });
  }
  await using session = await opened(database);
  for (const number of [4, 5, 6]) {
    await session.write(rowsOfAll(number));
    await session.commit({ position: String(number), state: null });
  }
  await using killed = await asKilled(database);
  await session[Symbol.asyncDispose]();
  await expectAll(database.sink());
  await expectAll(killed.sink());
});

async function expectAll(sink: Sink): Promise<void> {
  const all = tables.map(({ name }) => `SELECT count(*) AS n, max(note) AS note FROM public.${name}`).join(' UNION ALL ');
  const { rows } = await sink.query!(`SELECT count(*), sum(n) FROM (${all})`, 10, new AbortController().signal);
  expect(rows).toEqual([[String(TABLES), String(TABLES * 6)]]);
}
