import { tableName, type SourcePlan } from '@weir/sdk';
import { describe, expect, test } from 'vitest';
import { copiedCheckpoint } from '../testing/open-source.ts';
import { TestDatabase } from '../testing/test-database.ts';
import { useTestServer } from '../testing/test-server.ts';

const server = useTestServer();
const { signal } = new AbortController();

async function shop(): Promise<TestDatabase> {
  const database = await TestDatabase.create(server.url);
  await database.sql(
    `CREATE TABLE orders (id int PRIMARY KEY); CREATE TABLE lines (id int PRIMARY KEY); CREATE TABLE log (line text);
     CREATE VIEW report AS SELECT * FROM orders; CREATE UNLOGGED TABLE cache (id int PRIMARY KEY);
     CREATE TABLE amounts (amount numeric PRIMARY KEY); CREATE TABLE audit_log (id int PRIMARY KEY)`,
  );
  return database;
}

const tables = ['public.*', '!public.audit_*'];

function lines({ tables: planned }: SourcePlan): string[] {
  return planned.map(({ table, known, copy, problem }) => {
    return `${tableName(table)} ${known ? 'known' : 'new'} ${copy} ${problem?.code ?? 'fine'}`;
  });
}

describe('the plan of a source', () => {
  test('before the first start: everything is made and copied; what is refused and what is left out has its reason', async () => {
    await using database = await shop();
    const plan = await database.source({ tables }).plan(signal);
    expect(lines(plan)).toEqual([
      'public.amounts new snapshot fine',
      'public.lines new by-key fine',
      'public.log new snapshot WEIR_PG_REPLICA_IDENTITY',
      'public.orders new by-key fine',
    ]);
    expect(plan.others).toEqual([
      { table: 'public.audit_log', why: 'left out by !public.audit_*' },
      { table: 'public.cache', why: 'an unlogged table: its changes are in no log' },
      { table: 'public.report', why: 'a view: its changes are in no log' },
    ]);
    const { slot } = database;
    expect(plan.changes).toEqual([
      expect.stringMatching(new RegExp(`^CREATE PUBLICATION "${slot}" FOR TABLE ONLY "public"\\."amounts", .* WITH \\(.*\\);$`)),
      `SELECT pg_create_logical_replication_slot('${slot}', 'pgoutput');`,
    ]);
    expect(await database.traces()).toEqual([]);
  });

  test('behind it: what was captured goes on, what is new is added, what is not named any more is removed', async () => {
    await using database = await shop();
    await copiedCheckpoint(database.source({ tables: ['public.orders', 'public.lines'] }));
    const same = await database.source({ tables: ['public.orders', 'public.lines'] }).plan(signal);
    expect(lines(same)).toEqual(['public.lines known by-key fine', 'public.orders known by-key fine']);
    expect([same.changes, same.removed]).toEqual([[], []]);
    const source = database.source({ tables: ['public.orders', 'public.amounts'] });
    const plan = await source.plan(signal);
    expect(lines(plan)).toEqual(['public.amounts new snapshot fine', 'public.orders known by-key fine']);
    expect(plan.removed).toEqual(['public.lines']);
    const { slot } = database;
    expect(plan.changes).toEqual([
      `ALTER PUBLICATION "${slot}" DROP TABLE ONLY "public"."lines";`,
      `ALTER PUBLICATION "${slot}" ADD TABLE ONLY "public"."amounts";`,
    ]);
  });

  test('tables without a key under insert_only, and a start that copies nothing, say so', async () => {
    await using database = await shop();
    const plan = await database.source({ tables: ['public.log', 'public.orders'], without_key: 'insert_only' }).plan(signal);
    const log = plan.tables.find(({ table }) => table.name === 'log')!;
    expect(log).toMatchObject({ copy: 'snapshot', problem: null, note: expect.stringContaining('only its inserts and truncates') as string });
    expect(plan.changes).toHaveLength(3);
    const snapshot = { mode: 'never', where: {}, max_connections: 2 } as const;
    const never = await database.source({ tables: ['public.orders'], snapshot }).plan(signal);
    expect(never.tables).toMatchObject([{ copy: 'none', note: expect.stringContaining('snapshot.mode: never') as string }]);
  });
});
