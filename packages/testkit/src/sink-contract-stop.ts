import { describe, expect, it } from 'vitest';
import { tableName, type StopReason, type Table } from '@weir/sdk';
import { insertOrder, withOrders } from './sink-contract-orders.ts';
import { linesTable, ordersTable, withKey } from './sink-contract-tables.ts';
import type { SinkDriver } from './sink-driver.ts';

const orders = ordersTable();
const lines = linesTable();
const line = { Quantity: 1, line: 'a', order: 1, rowid: null, details: null };
const reason: StopReason = { code: 'WEIR_SINK_TYPE', message: "it's a \"type\" that\nit does not know: ✓ $1 ? %s \\" };

export function describeStops(driver: SinkDriver): void {
  describe('stopped tables', () => {
    describeMarks(driver);
    describeStarts(driver);
    describeTableErrors(driver);
  });
}

function describeMarks(driver: SinkDriver): void {
  it('are none at first', async () => {
    await using run = await withOrders(driver);
    expect((await run.stopped()).size).toBe(0);
  });

  it.each(['mirror', 'append'] as const)('are known at the next open, with the reason (mode %s)', async (mode) => {
    await using first = await withOrders(driver, { mode });
    await first.stop(orders, reason);
    await first.commit((rows) => {
      rows.schemaChange({ table: lines, change: 'create', reason: 'new' });
      rows.insert(lines, line);
    });
    await using run = await first.restart();
    expect([...(await run.stopped())]).toEqual([['public.orders', reason]]);
    await run.expectSame(lines);
    await run.expectSame(orders);
  });

  it('are stopped by a commit without rows too, also one that was never made', async () => {
    await using first = await withOrders(driver);
    await first.stop(lines, reason);
    first.begin();
    await first.commit();
    await using run = await first.restart();
    expect((await run.stopped()).get('public.order "lines"')).toEqual(reason);
    expect(await run.expectSame(orders)).toHaveLength(3);
  });

  it('are not stopped by a session that dies before its commit (invariant 3)', async () => {
    await using first = await withOrders(driver);
    await first.stop(orders, reason);
    await first.transaction((rows) => {
      rows.schemaChange({ table: lines, change: 'create', reason: 'new' });
      rows.insert(lines, line);
    });
    await using run = await first.restart();
    expect((await run.stopped()).size).toBe(0);
    await run.commit((rows) => insertOrder(rows, 4));
    expect(await run.expectSame(orders)).toHaveLength(4);
  });

  it('keep the last reason that was given', async () => {
    await using first = await withOrders(driver);
    await first.stop(orders, reason);
    first.begin();
    await first.commit();
    await using second = await first.restart();
    await second.stop(orders, { code: 'WEIR_SCHEMA_CHANGE', message: 'another' });
    second.begin();
    await second.commit();
    await using run = await second.restart();
    expect([...(await run.stopped()).values()]).toEqual([{ code: 'WEIR_SCHEMA_CHANGE', message: 'another' }]);
  });
}

function describeStarts(driver: SinkDriver): void {
  it('are started by a create, with the commit that makes them again', async () => {
    await using first = await withOrders(driver);
    await first.stop(orders, reason);
    await first.stop(lines, reason);
    first.begin();
    await first.commit();
    await using second = await first.restart();
    await second.transaction((rows) => {
      rows.schemaChange({ table: orders, change: 'create', reason: 'again' });
      insertOrder(rows, 9);
    });
    await using third = await second.restart();
    expect((await third.stopped()).size).toBe(2);
    await third.commit((rows) => {
      rows.schemaChange({ table: orders, change: 'create', reason: 'again' });
      insertOrder(rows, 9);
    });
    await using run = await third.restart();
    expect([...(await run.stopped()).keys()]).toEqual([tableName(lines)]);
    expect(await run.expectSame(orders)).toHaveLength(1);
  });

  it('are what the last of stop and create in one commit says', async () => {
    await using first = await withOrders(driver);
    await first.stop(orders, reason);
    await first.transaction((rows) => {
      rows.schemaChange({ table: orders, change: 'create', reason: 'again' });
      rows.schemaChange({ table: lines, change: 'create', reason: 'new' });
    });
    await first.stop(lines, reason);
    await first.commit();
    await using run = await first.restart();
    expect([...(await run.stopped()).keys()]).toEqual([tableName(lines)]);
  });

  if (driver.oneShard === true) return;
  it('are stopped for their own pipeline and sink', async () => {
    await using first = await withOrders(driver);
    await using other = await first.beside({ pipeline: 'shop 2', sink: 'warehouse', shard: 0 });
    await other.stop(orders, reason);
    other.begin();
    await other.commit();
    await using run = await first.restart();
    expect((await run.stopped()).size).toBe(0);
    await using again = await other.restart();
    expect((await again.stopped()).size).toBe(1);
  });
}

function describeTableErrors(driver: SinkDriver): void {
  const insertsOnly: Table = { ...withKey(linesTable()), insertsOnly: true };

  it('can be those that an error names: a mirror refuses a table of which only inserts come', async () => {
    await using first = await withOrders(driver);
    const error = await first.refusal((rows) => {
      rows.schemaChange({ table: insertsOnly, change: 'create', reason: 'new' });
      rows.insert(insertsOnly, line);
      insertOrder(rows, 4);
    });
    expect(error).toMatchObject({ code: 'WEIR_SINK_INSERTS_ONLY', table: tableName(insertsOnly) });
    await using second = await first.restart();
    await second.stop(insertsOnly, { code: error.code, message: error.message });
    await second.commit((rows) => insertOrder(rows, 4));
    await using run = await second.restart();
    expect([...(await run.stopped()).keys()]).toEqual([tableName(insertsOnly)]);
    expect(await run.expectSame(orders)).toHaveLength(4);
  });
}
