import { DuckDBConnection } from '@duckdb/node-api';
import type { Table, TransactionalSession } from '@weir/sdk';
import { ask, batch, checkpointAt, openSession, ordersTable } from '@weir/testkit/orders';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { behindItsBack } from './testing/behind-its-back.ts';
import { TemporaryDatabase } from './testing/temporary-database.ts';

const LOOKS_AT_CATALOG = /information_schema\.|duckdb_(?:tables|views|columns|constraints|indexes)\(/;
/** What goes through all that is registered, row by row. */
const LOOKS_AT_OWN = /(?:DELETE FROM|FROM) "[^"]+"\."weir"\.tables/;

const reason = 'again';

afterEach(() => {
  vi.restoreAllMocks();
});

async function make(session: TransactionalSession, tables: readonly Table[]): Promise<void> {
  for (const table of tables) await session.write(batch(1, (rows) => rows.schemaChange({ table, change: 'create', reason })));
}

const tablesNamed = (first: number, count: number): Table[] =>
  Array.from({ length: count }, (_, index) => ordersTable({ name: `t${first + index}` }));

/** How many statements run, and how many of them go through the catalog or what is registered. */
async function statements(work: () => Promise<void>): Promise<{ all: number; looks: number }> {
  const run = vi.spyOn(DuckDBConnection.prototype, 'run');
  await work();
  const texts = run.mock.calls.map(([sql]) => sql);
  run.mockRestore();
  const looks = texts.filter((sql) => LOOKS_AT_CATALOG.test(sql) || LOOKS_AT_OWN.test(sql)).length;
  return { all: texts.length, looks };
}

describe('tables that are made', () => {
  it('are looked for once, however many they are and in however many commits', async () => {
    await using database = await TemporaryDatabase.make();
    await using session = await openSession(database.sink());
    const first = await statements(async () => {
      await make(session, tablesNamed(0, 5));
      await session.commit(checkpointAt(1));
    });
    expect(first.looks).toBeGreaterThan(0);
    const few = await statements(async () => {
      await make(session, tablesNamed(5, 5));
      await session.commit(checkpointAt(2));
    });
    const many = await statements(async () => {
      await make(session, tablesNamed(10, 50));
      await session.commit(checkpointAt(3));
    });
    const oneEach = await statements(async () => {
      for (let number = 60; number < 65; number++) {
        await make(session, tablesNamed(number, 1));
        await session.commit(checkpointAt(number));
      }
    });
    expect([few.looks, many.looks, oneEach.looks]).toEqual([0, 0, 0]);
    const each = (many.all - few.all) / 45;
    expect(Number.isInteger(each)).toBe(true);
    expect(await ask(database.sink(), 'SELECT count(DISTINCT target_table), count(*) FROM weir.tables')).toEqual([['65', '65']]);
  });

  it('are refused where somebody made them since the session looked, and stay as they are', async () => {
    await using database = await TemporaryDatabase.make();
    await using session = await openSession(database.sink());
    await make(session, tablesNamed(0, 1));
    await session.commit(checkpointAt(1));
    await behindItsBack(database.path, "CREATE TABLE public.T1 AS SELECT 'theirs' AS id");
    await expect(make(session, tablesNamed(1, 1))).rejects.toMatchObject({
      code: 'WEIR_DUCKDB_TABLE_EXISTS',
      table: 'public.t1',
    });
    await session[Symbol.asyncDispose]();
    expect(await ask(database.sink(), 'SELECT id FROM public.t1')).toEqual([['theirs']]);
    await using again = await openSession(database.sink());
    await expect(make(again, tablesNamed(1, 1))).rejects.toMatchObject({ code: 'WEIR_DUCKDB_TABLE_EXISTS' });
  });

  it('are refused where it is a view that somebody made since', async () => {
    await using database = await TemporaryDatabase.make();
    await using session = await openSession(database.sink());
    await make(session, tablesNamed(0, 1));
    await session.commit(checkpointAt(1));
    await behindItsBack(database.path, "CREATE VIEW public.t1 AS SELECT 'theirs' AS id");
    await expect(make(session, tablesNamed(1, 1))).rejects.toMatchObject({ code: 'WEIR_DUCKDB_TABLE_EXISTS' });
  });

  it('are tried again where another transaction makes them at the same time', async () => {
    await using database = await TemporaryDatabase.make();
    await using session = await openSession(database.sink());
    await make(session, tablesNamed(0, 1));
    await behindItsBack(database.path, 'CREATE SCHEMA IF NOT EXISTS other; CREATE TABLE other.t1 (id INTEGER)');
    const [t1] = tablesNamed(1, 1);
    await expect(make(session, [{ ...t1!, namespace: 'other' }])).rejects.toMatchObject({ code: 'WEIR_DUCKDB_QUERY' });
  });

  it('take the place of their own, and are made once more where somebody dropped them', async () => {
    await using database = await TemporaryDatabase.make();
    const [table] = tablesNamed(0, 1);
    await using session = await openSession(database.sink());
    await make(session, [table!]);
    await session.write(batch(1, (rows) => rows.insert(table!, { id: 1, note: 'one', amount: null })));
    await session.commit(checkpointAt(1));
    await make(session, [table!]);
    await session.commit(checkpointAt(2));
    expect(await ask(database.sink(), 'SELECT * FROM public.t0')).toEqual([]);
    await session[Symbol.asyncDispose]();
    await behindItsBack(database.path, 'DROP TABLE public.t0');
    await using again = await openSession(database.sink());
    await make(again, [table!]);
    await again.commit(checkpointAt(3));
    expect(await ask(database.sink(), 'SELECT source_name, target_table FROM weir.tables')).toEqual([['t0', 't0']]);
  });

  it('belong to one table of the source, also when two come in one commit', async () => {
    await using database = await TemporaryDatabase.make();
    await using session = await openSession(database.sink());
    const [lower] = tablesNamed(0, 1);
    await expect(make(session, [lower!, ordersTable({ name: 'T0' })])).rejects.toMatchObject({ code: 'WEIR_SINK_NAME_COLLISION' });
  });
});
