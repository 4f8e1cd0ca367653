import { describe, expect, it } from 'vitest';
import { logicalTypeName, tableName, type Table } from '@weir/sdk';
import { insertOrder, withOrders } from './sink-contract-orders.ts';
import { linesTable, ordersTable, withKey } from './sink-contract-tables.ts';
import { heldCases, valuesTable } from './sink-contract-values.ts';
import type { SinkDriver } from './sink-driver.ts';
import { SinkHarness } from './sink-harness.ts';
import { SinkRun } from './sink-run.ts';

const orders = ordersTable();
const lines = linesTable();
const oneName = { schema: 'all', table: 'rows' };
const another = { pipeline: 'shop 2', sink: 'warehouse', shard: 0 };

/** What a table becomes at a place, and who it belongs to there. */
export function describePlaces(driver: SinkDriver): void {
  describe('a plan', () => {
    describePlan(driver);
  });
  describe('a target', () => {
    describeTargets(driver);
    if (driver.oneShard !== true) describePipelines(driver);
  });
}

function describePlan(driver: SinkDriver): void {
  const newTables = 'says for each table of a place that nobody opened yet that it is made, and how (%s)';
  it.each(['mirror', 'append'] as const)(newTables, async (mode) => {
    const types = valuesTable(heldCases(driver));
    await using harness = await SinkHarness.start(driver, { mode });
    const tables = [lines, orders, types];
    for (const plan of [await harness.plan(tables), await harness.plan(tables)]) {
      expect(plan.map(({ table, action, findings }) => ({ table, action, findings }))).toEqual(
        tables.map((table) => ({ table: tableName(table), action: 'create', findings: [] })),
      );
      expect(new Set(plan.map(({ target }) => target)).size).toBe(3);
      for (const [i, { columns }] of plan.entries()) {
        const known = columns.map(({ column, sourceType, logicalType }) => ({ column, sourceType, logicalType }));
        expect(known).toEqual(
          tables[i]!.columns.map(({ name, type, sourceType }) => ({
            column: name,
            sourceType,
            logicalType: logicalTypeName(type),
          })),
        );
        expect(columns.filter(({ sinkType }) => sinkType === null || sinkType === '')).toEqual([]);
      }
    }
  });

  it('says that a table is used once it was copied, and that a new one beside it is made', async () => {
    await using run = await withOrders(driver);
    await run.session[Symbol.asyncDispose]();
    const [known, added] = await run.harness.plan([orders, lines]);
    expect(known).toMatchObject({ action: 'use', findings: [] });
    expect(added).toMatchObject({ action: 'create', findings: [] });
  });

  it('changes nothing', async () => {
    await using run = await withOrders(driver);
    await run.session[Symbol.asyncDispose]();
    await run.harness.plan([lines, { ...orders, columns: orders.columns.slice(0, 2) }]);
    expect(await run.expectSame(orders)).toHaveLength(3);
    expect(await run.harness.plan([lines])).toMatchObject([{ action: 'create' }]);
  });

  it('finds tables that would be one at the sink', async () => {
    await using run = await SinkRun.start(driver, { target: oneName });
    for (const plan of await run.harness.plan([orders, lines])) {
      expect(plan.action).toBe('refuse');
      expect(plan.findings).toContainEqual(
        expect.objectContaining({ code: 'WEIR_SINK_NAME_COLLISION', level: 'error' }),
      );
    }
    expect(await run.harness.plan([orders])).toMatchObject([{ action: 'create', findings: [] }]);
  });

  it('refuses for a mirror, not for a history, a table of which only inserts come', async () => {
    const log: Table = { ...withKey(orders), insertsOnly: true };
    await using mirror = await SinkRun.start(driver);
    const [refused, other] = await mirror.harness.plan([log, lines]);
    expect(refused).toMatchObject({ action: 'refuse', findings: [{ code: 'WEIR_SINK_INSERTS_ONLY', level: 'error' }] });
    expect(other).toMatchObject({ action: 'create', findings: [] });
    await using history = await SinkRun.start(driver, { mode: 'append' });
    expect(await history.harness.plan([log])).toMatchObject([{ action: 'create', findings: [] }]);
  });
}

function describeTargets(driver: SinkDriver): void {
  it('has the names that its templates give', async () => {
    const options = { target: { schema: 'copy of {schema}', table: '{table}, "{schema}"' } };
    await using run = await withOrders(driver, options);
    await run.commit((rows) => {
      rows.schemaChange({ table: lines, change: 'create' });
      rows.insert(lines, { Quantity: 1, line: 'a', order: 1, rowid: null, details: null });
      rows.delete(orders, { id: 1 });
    });
    expect(await run.expectSame(orders)).toHaveLength(2);
    expect(await run.expectSame(lines)).toHaveLength(1);
    await using other = await run.restart({});
    expect(await other.harness.plan([orders])).toMatchObject([{ action: 'create' }]);
  });

  it('is refused to the second of two tables that it would hold', async () => {
    await using run = await withOrders(driver, { target: oneName });
    const error = await run.refusal((rows) => rows.schemaChange({ table: lines, change: 'create', reason: 'new' }));
    expect(error).toMatchObject({ code: 'WEIR_SINK_NAME_COLLISION', table: tableName(lines) });
    await using again = await run.restart();
    expect(await again.expectSame(orders)).toHaveLength(3);
  });
}

function describePipelines(driver: SinkDriver): void {
  it('keeps tables of equal names apart, from two databases by two pipelines', async () => {
    await using first = await withOrders(driver);
    await using second = await first.beside(another, { target: { schema: 'second_{schema}', table: '{table}' } });
    await second.commit((rows) => {
      rows.schemaChange({ table: orders, change: 'create', reason: 'first' });
      insertOrder(rows, 1);
      rows.update(orders, { id: 1, note: 'of the second', amount: null, paid: null });
    });
    await first.commit((rows) => rows.delete(orders, { id: 2 }));
    await second.commit((rows) => rows.insert(orders, { id: 2, note: 'of the second', amount: null, paid: null }));
    expect(await first.expectSame(orders)).toEqual([['1', 'note 1', '1.00', 't'], ['3', 'note 3', '3.00', 't']]);
    expect(await second.expectSame(orders)).toEqual([
      ['1', 'of the second', null, null],
      ['2', 'of the second', null, null],
    ]);
  });

  it.each([another, { pipeline: 'shop', sink: 'another', shard: 0 }])(
    'that is taken is refused: neither emptied nor written to ($pipeline, $sink)',
    async (shard) => {
      await using first = await withOrders(driver);
      await using second = await first.beside(shard);
      const error = await second.refusal((rows) => {
        rows.schemaChange({ table: orders, change: 'create', reason: 'first' });
        insertOrder(rows, 7);
      });
      expect(error).toMatchObject({ code: driver.codes.tableExists, table: tableName(orders) });
      await using third = await second.restart();
      expect(await third.refusal((rows) => insertOrder(rows, 7))).toMatchObject({ table: tableName(orders) });
      await first.commit((rows) => insertOrder(rows, 4));
      expect(await first.expectSame(orders)).toHaveLength(4);
    },
  );

  it('that is taken is found by a plan', async () => {
    await using own = await SinkRun.start(driver);
    await using other = await own.beside(another);
    await other.commit((rows) => {
      rows.schemaChange({ table: orders, change: 'create', reason: 'first' });
    });
    await other.session[Symbol.asyncDispose]();
    await own.session[Symbol.asyncDispose]();
    const [plan] = await own.harness.plan([orders]);
    expect(plan).toMatchObject({ action: 'refuse', findings: [{ code: driver.codes.tableExists, level: 'error' }] });
  });
}
