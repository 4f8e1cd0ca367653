import { describe, expect, it } from 'vitest';
import { emptyBatch, historyTable, unchanged, type RowValues, type Table } from '@weir/sdk';
import { foldHistory } from './fold-history.ts';
import { latin1 } from './seen-batch.ts';
import { describeHistoryShapes } from './sink-contract-history-shapes.ts';
import { insertOrder, withOrders } from './sink-contract-orders.ts';
import { nullable, ordersTable, withColumn, withKey } from './sink-contract-tables.ts';
import type { SinkDriver } from './sink-driver.ts';
import { withSortedNames } from './sink-harness.ts';
import { SinkRun } from './sink-run.ts';

const append = { mode: 'append' } as const;
const orders = ordersTable();
const sealed = withColumn(orders, nullable('seal', { kind: 'bytes' }));

/** A history in the order of its events, as objects by column without what is NULL. */
export async function historyOf(run: SinkRun, table: Table): Promise<Record<string, unknown>[]> {
  const rows = await run.expectSame(historyTable(table));
  const objects = rows.map((row) =>
    Object.fromEntries(historyTable(table).columns.map(({ name }, column) => [name, row[column]])),
  );
  const place = (row: Record<string, unknown>): string =>
    `${String(row['_weir_position'])} ${String(row['_weir_ordinal']).padStart(10)}`;
  return objects
    .toSorted((a, b) => (place(a) < place(b) ? -1 : 1))
    .map((row) => Object.fromEntries(Object.entries(row).filter(([, cell]) => cell !== null)));
}

export function describeAppend(driver: SinkDriver): void {
  describe('mode: append', () => {
    describeImages(driver);
    describePlaces(driver);
    describeStarts(driver);
    describeAccepted(driver);
    describeHistoryShapes(driver);
  });
}

/** JSON that a sink writes, as the harness compares it: the names in order. */
function json(image: Record<string, string | null>): string {
  return latin1(JSON.stringify(withSortedNames(image)));
}

function describeImages(driver: SinkDriver): void {
  it('makes a row of each event: what it does, when, where, and the row after it', async () => {
    await using run = await withOrders(driver, append);
    await run.commit((rows) => {
      rows.update(orders, { id: 1, note: 'changed', amount: null, paid: false });
      rows.truncate(orders);
    });
    const times = ['2023-11-14T22:13:21.000001Z', '2023-11-14T22:13:22.000002Z'];
    const [first, , , fourth, last, ...more] = await historyOf(run, orders);
    const at = (transaction: number, ordinal: number) => ({
      _weir_commit_time: times[transaction - 1],
      _weir_position: String(transaction).padStart(12, '0'),
      _weir_ordinal: String(ordinal),
    });
    expect(first).toEqual({ id: '1', note: 'note 1', amount: '1.00', paid: 't', _weir_op: 'insert', ...at(1, 1) });
    expect(fourth).toEqual({ id: '1', note: 'changed', paid: 'f', _weir_op: 'update', ...at(2, 1) });
    expect(last).toEqual({ _weir_op: 'truncate', ...at(2, 2) });
    expect(more).toEqual([]);
  });

  it('keeps what the source sent of the row before, as JSON of canonical cells', async () => {
    const old: RowValues = { id: 1, note: 'Köln "✓"\n', amount: '1.00', paid: null, seal: Uint8Array.of(0, 0xff, 0x5c) };
    await using run = await SinkRun.with(driver, sealed, (rows) => rows.insert(sealed, old), append);
    await run.commit((rows) => {
      rows.update(sealed, { ...old, note: null }, old);
      rows.update(sealed, { ...old, id: 2, note: null }, keyOnly(1));
      rows.delete(sealed, { ...old, id: 2, note: null });
    });
    const image = { note: 'Köln "✓"\n', amount: '1.00', paid: null, seal: '\\x00ff5c' };
    const [, update, move, gone] = await historyOf(run, sealed);
    expect(update).toMatchObject({ id: '1', _weir_before: json({ id: '1', ...image }) });
    expect(move).toMatchObject({ id: '2', _weir_before: json({ id: '1' }) });
    expect(gone).toMatchObject({ _weir_op: 'delete', id: '2', amount: '1.00' });
    expect(gone).toMatchObject({ _weir_before: json({ ...image, id: '2', note: null }) });
  });

  it('keeps of a deleted row what the source sent: its key alone, or all of it', async () => {
    await using run = await withOrders(driver, append);
    await run.commit((rows) => {
      rows.delete(orders, { id: 1, note: unchanged, amount: unchanged, paid: unchanged });
      rows.delete(orders, { id: 2, note: 'note 2', amount: '2.00', paid: true });
    });
    const [keyed, whole] = (await historyOf(run, orders)).slice(3);
    expect(Object.keys(keyed!)).toEqual([
      'id',
      '_weir_op',
      '_weir_commit_time',
      '_weir_position',
      '_weir_ordinal',
      '_weir_before',
    ]);
    expect(whole).toMatchObject({ id: '2', note: 'note 2', amount: '2.00', paid: 't', _weir_op: 'delete' });
  });

  it('names the columns that did not come since they did not change; NULL is another thing', async () => {
    await using run = await withOrders(driver, append);
    await run.commit((rows) => {
      rows.update(orders, { id: 1, note: unchanged, amount: null, paid: unchanged });
      rows.update(orders, { id: 22, note: unchanged, amount: '2.20', paid: true }, keyOnly(2));
    });
    const [same, moved] = (await historyOf(run, orders)).slice(3);
    expect(same).toMatchObject({ id: '1', _weir_unchanged: '["note","paid"]' });
    expect(same).not.toHaveProperty('note');
    expect(moved).toMatchObject({ id: '22', amount: '2.20', _weir_unchanged: '["note"]' });
  });
}

function describePlaces(driver: SinkDriver): void {
  it('orders the events by position and ordinal, over batches and transactions of one commit', async () => {
    await using run = await withOrders(driver, append);
    const rows = run.begin();
    for (let id = 4; id < 30; id++) {
      insertOrder(rows, id);
      rows.update(orders, { id, note: 'changed', amount: null, paid: null });
      if (id % 7 === 0) await run.write(rows);
    }
    await run.end(rows);
    await run.transaction((more) => {
      for (let id = 1; id < 30; id++) more.delete(orders, { id });
    });
    await run.commit();
    const history = await historyOf(run, orders);
    expect(history).toHaveLength(3 + 52 + 29);
    expect(history.slice(3, 55).map((row) => [row['_weir_op'], row['_weir_ordinal']])).toEqual(
      Array.from({ length: 52 }, (_, i) => [i % 2 === 0 ? 'insert' : 'update', String(i + 1)]),
    );
    expect(foldHistory(orders, await run.harness.rows(historyTable(orders)))).toEqual([]);
  });

  it('has no commit time for rows of a copy', async () => {
    await using run = await SinkRun.start(driver, append);
    await run.commit((rows) => {
      rows.schemaChange({ table: orders, change: 'create', reason: 'first' });
      rows.read(orders, { id: 1, note: null, amount: null, paid: null });
      rows.chunk(orders, { range: null, last: true });
    });
    expect(await historyOf(run, orders)).toEqual([
      { id: '1', _weir_op: 'read', _weir_position: '000000000001', _weir_ordinal: '1' },
    ]);
  });

  it('loses what was not committed with its session, and has it once when it comes again (invariant 3)', async () => {
    await using first = await withOrders(driver, append);
    await first.transaction((rows) => insertOrder(rows, 4));
    await using second = await first.restart();
    expect(await historyOf(second, orders)).toHaveLength(3);
    await second.commit((rows) => insertOrder(rows, 4));
    const { checkpoint } = second;
    await using third = await second.restart();
    expect(await third.session.recover()).toEqual(checkpoint);
    await third.commit((rows) => insertOrder(rows, 5, ordersTable(9)));
    expect(await historyOf(third, orders)).toHaveLength(5);
  });
}

function describeStarts(driver: SinkDriver): void {
  it('keeps its history when a table is copied once more, behind a truncate row', async () => {
    await using run = await withOrders(driver, append);
    await run.transaction((rows) => rows.delete(orders, { id: 3 }));
    run.begin();
    const { checkpoint } = run;
    await run.batch(emptyBatch(checkpoint, [{ table: orders, change: 'create', reason: 'again' }]));
    await run.commit((rows) => {
      for (const id of [1, 2]) rows.read(orders, { id, note: 'copied again', amount: null, paid: null });
    });
    const history = await historyOf(run, orders);
    const ops = ['insert', 'insert', 'insert', 'delete', 'truncate', 'read', 'read'];
    expect(history.map((row) => row['_weir_op'])).toEqual(ops);
    expect(history[4]).toEqual({ _weir_op: 'truncate', _weir_position: checkpoint.position, _weir_ordinal: '0' });
    expect(foldHistory(orders, await run.harness.rows(historyTable(orders)))).toHaveLength(2);
  });

  it('writes that truncate row before the rows of the batch that makes the table again, whatever came before', async () => {
    await using run = await withOrders(driver, append);
    await run.transaction((rows) => insertOrder(rows, 4));
    await run.commit((rows) => {
      rows.schemaChange({ table: orders, change: 'create', reason: 'again' });
      rows.insert(orders, { id: 4, note: 'again', amount: null, paid: null });
    });
    const history = await historyOf(run, orders);
    expect(history.slice(-2).map((row) => [row['_weir_op'], row['_weir_position'], row['_weir_ordinal']])).toEqual([
      ['truncate', '000000000003', '0'],
      ['insert', '000000000003', '1'],
    ]);
    expect(foldHistory(orders, await run.harness.rows(historyTable(orders)))).toHaveLength(1);
  });

  it('takes the columns of a table that is copied once more with others', async () => {
    await using run = await withOrders(driver, append);
    await run.commit((rows) => {
      rows.schemaChange({ table: sealed, change: 'create', reason: 'again' });
      rows.read(sealed, { id: 1, note: null, amount: null, paid: null, seal: Uint8Array.of(1) });
    });
    const seals = (await historyOf(run, sealed)).map((row) => row['seal'] ?? null);
    expect(seals).toEqual([null, null, null, null, '\u0001']);
  });

  it('starts over with the first copy of a pipeline that starts over', async () => {
    await using run = await withOrders(driver, append);
    await run.commit((rows) => {
      rows.schemaChange({ table: sealed, change: 'create', reason: 'first' });
      rows.read(sealed, { id: 9, note: null, amount: null, paid: null, seal: null });
    });
    expect((await historyOf(run, sealed)).map((row) => [row['_weir_op'], row['id']])).toEqual([['read', '9']]);
  });
}

function describeAccepted(driver: SinkDriver): void {
  it('takes tables of which the source sends inserts only', async () => {
    const log: Table = { ...withKey(orders), insertsOnly: true };
    await using run = await SinkRun.with(driver, log, (rows) => insertOrder(rows, 1, log), append);
    await run.commit((rows) => {
      insertOrder(rows, 1, log);
      rows.truncate(log);
      insertOrder(rows, 1, log);
    });
    expect((await historyOf(run, log)).map((row) => row['_weir_op'])).toEqual(['insert', 'insert', 'truncate', 'insert']);
  });

  it('takes tables without a key, with the whole row before', async () => {
    const keyless = withKey(orders);
    const row = { id: 1, note: 'n', amount: null, paid: true };
    await using run = await SinkRun.with(driver, keyless, (rows) => rows.insert(keyless, row).insert(keyless, row), append);
    await run.commit((rows) => rows.update(keyless, { ...row, paid: false }, row).delete(keyless, row));
    const history = await historyOf(run, keyless);
    const before = json({ id: '1', note: 'n', amount: null, paid: 't' });
    expect(history.slice(2).map((event) => [event['_weir_op'], event['_weir_before']])).toEqual([
      ['update', before],
      ['delete', before],
    ]);
    expect(foldHistory(keyless, await run.harness.rows(historyTable(keyless)))).toEqual([['1', 'n', null, 'f']]);
  });

  it('is the same with soft deletes', async () => {
    await using run = await withOrders(driver, { ...append, deletes: 'soft' });
    await run.commit((rows) => rows.delete(orders, keyOnly(1)).insert(orders, { id: 1 }));
    const ops = (await historyOf(run, orders)).map((row) => row['_weir_op']);
    expect(ops).toEqual(['insert', 'insert', 'insert', 'delete', 'insert']);
  });
}

function keyOnly(id: number): RowValues {
  return { id, note: unchanged, amount: unchanged, paid: unchanged, seal: unchanged };
}
