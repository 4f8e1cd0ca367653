import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historyTable, unchanged, type RowValues, type SinkOptions, type Table } from '@weir/sdk';
import { foldHistory } from './fold-history.ts';
import { testSeed } from './seed.ts';
import { nullable, ordersTable } from './sink-contract-tables.ts';
import { heldCells, type SinkDriver } from './sink-driver.ts';
import { SinkRun } from './sink-run.ts';
import { cellsOf } from './table-content.ts';

const RUNS = 25;

/** A table without a key, with columns in which a NULL, an empty text and bytes can be compared wrongly. */
const events: Table = {
  namespace: 'public',
  name: 'events',
  version: 1,
  key: [],
  columns: [
    nullable('at', { kind: 'timestamptz' }),
    nullable('what', { kind: 'string' }),
    nullable('amount', { kind: 'decimal', precision: 12, scale: 2 }),
    nullable('seal', { kind: 'bytes' }),
    nullable('details', { kind: 'json' }),
    nullable('size', { kind: 'float', bits: 64 }),
  ],
};
const at = '2024-07-01T00:00:00.000001Z';
const paid: RowValues = { at, what: 'paid', amount: '1.00', seal: Uint8Array.of(0, 1), details: '{"a": 1}', size: 0.1 };
const empty: RowValues = { at: null, what: null, amount: null, seal: null, details: null, size: null };
const blank: RowValues = { ...empty, what: '' };

export function describeKeyless(driver: SinkDriver): void {
  describe('a table without a key', () => {
    describeEqualRows(driver);
    describeImages(driver);
    describeRandomRows(driver);
  });
}

async function withEvents(driver: SinkDriver, ...rows: readonly RowValues[]): Promise<SinkRun> {
  return await SinkRun.with(driver, events, (batch) => {
    for (const row of rows) batch.insert(events, row);
  });
}

function describeEqualRows(driver: SinkDriver): void {
  it('holds a row as often as it came, by a copy too', async () => {
    await using run = await withEvents(driver, paid, paid, empty);
    expect(await run.expectSame(events)).toHaveLength(3);
    await run.commit((rows) => rows.insert(events, paid).read(events, empty));
    expect(await run.expectSame(events)).toHaveLength(5);
  });

  it('loses one of two equal rows by a delete, whether it is committed or not', async () => {
    await using run = await withEvents(driver, paid, paid, empty, empty, blank);
    await run.commit((rows) => rows.delete(events, paid).delete(events, empty));
    expect(await run.expectSame(events)).toHaveLength(3);
    await run.commit((rows) => {
      rows.insert(events, paid).insert(events, paid).delete(events, paid);
      rows.delete(events, empty).insert(events, empty).delete(events, empty);
    });
    expect(await run.expectSame(events)).toHaveLength(3);
    await run.commit((rows) => rows.delete(events, blank).delete(events, paid).delete(events, paid));
    expect(await run.expectSame(events)).toEqual([]);
  });

  it('has one of two equal rows changed by an update', async () => {
    await using run = await withEvents(driver, paid, paid, empty, empty);
    await run.commit((rows) => {
      rows.update(events, { ...paid, what: 'refunded' }, paid);
      rows.update(events, { ...empty, amount: '2.00' }, empty);
    });
    const found = await run.expectSame(events);
    expect(found.map(([, what, amount]) => [what, amount])).toEqual([
      ['paid', '1.00'],
      ['refunded', '1.00'],
      [null, '2.00'],
      [null, null],
    ]);
  });

  it('takes changes of equal rows interleaved in one batch, over batches and over transactions', async () => {
    await using run = await withEvents(driver, paid, empty);
    const refunded = { ...paid, what: 'refunded' };
    const rows = run.begin();
    rows.insert(events, paid).update(events, refunded, paid).insert(events, refunded).delete(events, paid);
    await run.write(rows);
    rows.update(events, paid, refunded).insert(events, empty).update(events, blank, empty).delete(events, refunded);
    await run.end(rows);
    await run.transaction((more) => {
      more.update(events, empty, paid).delete(events, empty).insert(events, paid).update(events, blank, empty);
    });
    await run.commit();
    const found = await run.expectSame(events);
    expect(found.map(([, what]) => what)).toEqual(['paid', '', '']);
  });

  it('changes nothing by an update that leaves the row as it was', async () => {
    await using run = await withEvents(driver, paid, paid);
    await run.commit((rows) => rows.update(events, paid, paid));
    expect(await run.expectSame(events)).toHaveLength(2);
  });

  it('is emptied by a truncate, and goes on', async () => {
    await using run = await withEvents(driver, paid, paid);
    await run.commit((rows) => rows.insert(events, empty).truncate(events).insert(events, empty).insert(events, empty));
    await run.commit((rows) => rows.delete(events, empty));
    expect(await run.expectSame(events)).toHaveLength(1);
  });
}

function describeImages(driver: SinkDriver): void {
  it('tells NULL from the empty text, and rows apart that differ in one cell', async () => {
    const almost = (['at', 'what', 'amount', 'seal', 'details', 'size'] as const).map((name) => ({ ...paid, [name]: null }));
    await using run = await withEvents(driver, ...almost, paid, empty, blank);
    await run.commit((rows) => {
      for (const row of [blank, ...almost.slice(1)]) rows.delete(events, row);
      rows.update(events, { ...almost[0]!, what: 'changed' }, almost[0]);
    });
    const found = await run.expectSame(events);
    expect(found.map(([time, what]) => [time, what])).toEqual([[at, 'paid'], [null, 'changed'], [null, null]]);
  });

  it('takes the cells that did not come from the image', async () => {
    const large = { ...paid, details: JSON.stringify({ text: 'long '.repeat(2000) }) };
    await using run = await withEvents(driver, large, large);
    await run.commit((rows) => rows.update(events, { ...large, what: 'changed', details: unchanged }, large));
    const found = await run.expectSame(events);
    expect(found.map(([, what, , , details]) => [what, String(details).length > 9000])).toEqual([
      ['changed', true],
      ['paid', true],
    ]);
  });

  it('finds rows by cells that a store may not know to compare: NaN, infinities, JSON, no bytes', async () => {
    const sizes = heldCells(driver, { kind: 'float', bits: 64 }, ['NaN', 'Infinity', '1e-07']);
    const forms: RowValues[] = [
      ...sizes.map((size) => ({ ...empty, size })),
      { ...empty, amount: '-0.01' },
      { ...empty, details: '{"b": 1, "a":  1.0}' },
      { ...empty, seal: new Uint8Array(0) },
    ];
    await using run = await withEvents(driver, ...forms, ...forms);
    await run.commit((rows) => {
      for (const row of forms) rows.delete(events, row);
      for (const row of forms) rows.update(events, { ...row, what: 'found' }, row);
    });
    const found = await run.expectSame(events);
    expect(found.map(([, what]) => what)).toEqual(forms.map(() => 'found'));
  });

  it('beside one with a key, in the same batches', async () => {
    const orders = ordersTable();
    await using run = await withEvents(driver, paid);
    await run.commit((rows) => {
      rows.schemaChange({ table: orders, change: 'create' });
      for (let id = 1; id <= 5; id++) {
        rows.insert(orders, { id, note: null, amount: null, paid: null }).insert(events, paid);
        if (id % 2 === 0) rows.delete(orders, { id: id - 1 }).delete(events, paid);
      }
    });
    expect(await run.expectSame(orders)).toHaveLength(3);
    expect(await run.expectSame(events)).toHaveLength(4);
  });
}

/** What happens to a table of which rows are drawn from a few, so that many are equal. */
interface Step {
  readonly kind: 'insert' | 'update' | 'delete' | 'truncate';
  readonly row: number;
  readonly to: number;
  /** What follows: another event, a batch's end, a transaction's, a commit, or the session's death. */
  readonly end: 'more' | 'batch' | 'transaction' | 'commit' | 'death';
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.oneof(
    { weight: 10, arbitrary: fc.constant('insert' as const) },
    { weight: 6, arbitrary: fc.constant('update' as const) },
    { weight: 6, arbitrary: fc.constant('delete' as const) },
    { weight: 1, arbitrary: fc.constant('truncate' as const) },
  ),
  row: fc.nat(5),
  to: fc.nat(5),
  end: fc.oneof(
    { weight: 12, arbitrary: fc.constant('more' as const) },
    { weight: 3, arbitrary: fc.constant('batch' as const) },
    { weight: 2, arbitrary: fc.constant('transaction' as const) },
    { weight: 2, arbitrary: fc.constant('commit' as const) },
    { weight: 1, arbitrary: fc.constant('death' as const) },
  ),
});

function describeRandomRows(driver: SinkDriver): void {
  it.each(['mirror', 'append'] as const)(
    `holds the same rows after any history, however it is cut, in mode %s (WEIR_SEED=${testSeed})`,
    { timeout: 120_000 },
    async (mode) => {
      const steps = fc.array(step, { maxLength: 60 });
      const property = fc.asyncProperty(steps, async (drawn) => await playSteps(driver, mode, drawn));
      await fc.assert(property, { seed: testSeed, numRuns: RUNS, endOnFailure: process.env['CI'] === 'true' });
    },
  );
}

async function playSteps(driver: SinkDriver, mode: SinkOptions['mode'], steps: readonly Step[]): Promise<void> {
  const drawn = [paid, empty, blank, { ...paid, seal: null }, { ...empty, size: 0 }, { ...paid, amount: '-1.00' }];
  await using first = await SinkRun.with(driver, events, () => {}, { mode });
  let run = first;
  /** The rows that there are, and those of the last commit. */
  let counts = drawn.map(() => 0);
  let committed = counts;
  let rows = run.begin();
  for (const { kind, row, to, end } of steps) {
    const isThere = counts[row]! > 0;
    counts = counts.map((count, i) => {
      if (kind === 'truncate') return 0;
      if (kind === 'insert' || !isThere) return i === row ? count + 1 : count;
      return count - Number(i === row) + Number(kind === 'update' && i === to);
    });
    if (kind === 'truncate') rows.truncate(events);
    else if (kind === 'insert' || !isThere) rows.insert(events, drawn[row]!);
    else if (kind === 'delete') rows.delete(events, drawn[row]!);
    else rows.update(events, drawn[to]!, drawn[row]);
    if (end === 'batch') await run.write(rows);
    if (end === 'transaction' || end === 'commit') await run.end(rows);
    if (end === 'commit') {
      await run.commit();
      committed = counts;
    }
    if (end === 'death') {
      run = await run.restart();
      counts = committed;
    }
    if (end !== 'more' && end !== 'batch') rows = run.begin();
  }
  await run.end(rows);
  await run.commit();
  if (mode === 'append') await run.expectSame(historyTable(events));
  const folded = async () => foldHistory(events, await run.harness.rows(historyTable(events)));
  const found = mode === 'append' ? await folded() : await run.expectSame(events);
  const expected = drawn.flatMap((row, i) => Array.from({ length: counts[i]! }, () => cellsOf(events, row)));
  const inOrder = (cells: readonly (readonly unknown[])[]) => cells.map((row) => JSON.stringify(row)).toSorted();
  expect(inOrder(found)).toEqual(inOrder(expected));
}
