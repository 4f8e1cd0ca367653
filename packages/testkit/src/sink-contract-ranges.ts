import { describe, expect, it } from 'vitest';
import { historyTable, type BatchBuilder, type KeyRange, type RowValues, type SinkOptions } from '@weir/sdk';
import { failure } from './reading.ts';
import { describeRandomRanges } from './sink-contract-range-random.ts';
import { linesTable, nullable, ordersTable, projected, withColumn, withKey, withMark } from './sink-contract-tables.ts';
import { keepsCheckpoint, type SinkDriver } from './sink-driver.ts';
import { SinkRun } from './sink-run.ts';

const orders = ordersTable();
const lines = linesTable();
const ids = projected(orders, 'id');
const notes = projected(orders, 'id', 'note');

function range(after: number | null, upTo: number | null): KeyRange {
  return { after: after === null ? null : [String(after)], upTo: upTo === null ? null : [String(upTo)] };
}

function orderOf(id: number, note = 'copied'): RowValues {
  return { id, note, amount: `${id}.00`, paid: true };
}

/** Orders 1 to 9, committed, at a sink that was opened once more: it does not know how they came. */
async function withNine(driver: SinkDriver, options: Partial<SinkOptions> = {}): Promise<SinkRun> {
  const nine = (rows: BatchBuilder): void => {
    for (let id = 1; id <= 9; id++) rows.insert(orders, orderOf(id, 'streamed'));
  };
  const run = await SinkRun.with(driver, orders, nine, options);
  return await run.restart();
}

/** Ids and notes of the rows there, as `1 copied`. */
async function noted(run: SinkRun): Promise<string[]> {
  return (await run.expectSame(notes)).map(([id, note]) => `${String(id)} ${String(note)}`);
}

export function describeRanges(driver: SinkDriver): void {
  describe('a range of keys', () => {
    describeReplacing(driver);
    describeGroups(driver);
    describeFirstCopies(driver);
    describeRefusals(driver);
    if (!keepsCheckpoint(driver)) return;
    describeReplays(driver);
    describeUnordered(driver);
    describeMarks(driver);
    describeRandomRanges(driver);
  });
}

function describeReplacing(driver: SinkDriver): void {
  it('that is read again takes the place of its rows only: behind `after`, up to `upTo` (invariant 7)', async () => {
    await using run = await withNine(driver);
    await run.copy(orders, range(3, 6), [orderOf(4), orderOf(6)]);
    await run.commit();
    expect(await noted(run)).toEqual([
      '1 streamed', '2 streamed', '3 streamed', '4 copied', '6 copied', '7 streamed', '8 streamed', '9 streamed',
    ]);
  });

  it('that begins and ends with a key is that key alone, with a row or without (invariant 7)', async () => {
    await using run = await withNine(driver);
    await run.copy(orders, range(3, 3), [orderOf(3)]);
    await run.copy(orders, range(6, 6), []);
    await run.copy(orders, range(11, 11), [orderOf(11)]);
    await run.commit();
    const [before, behind] = [['1 streamed', '11 copied', '2 streamed'], ['7 streamed', '8 streamed', '9 streamed']];
    expect(await noted(run)).toEqual([...before, '3 copied', '4 streamed', '5 streamed', ...behind]);
  });

  it('has no end where `after` or `upTo` is null (invariant 7)', async () => {
    await using run = await withNine(driver);
    await run.copy(orders, range(null, 2), [orderOf(-7), orderOf(2)]);
    await run.copy(orders, range(8, null), [orderOf(1000)]);
    await run.commit();
    const between = [3, 4, 5, 6, 7, 8].map((id) => `${id} streamed`);
    expect(await noted(run)).toEqual(['-7 copied', '1000 copied', '2 copied', ...between]);
    await run.copy(orders, range(null, null), [orderOf(5, 'all')]);
    await run.commit();
    expect(await noted(run)).toEqual(['5 all']);
  });

  it('may be empty, and then so is the mirror there (invariant 7)', async () => {
    await using run = await withNine(driver);
    await run.copy(orders, range(1, 8), []);
    await run.commit();
    expect(await noted(run)).toEqual(['1 streamed', '9 streamed']);
    await run.copy(orders, range(null, null), []);
    await run.commit();
    expect(await run.expectSame(orders)).toEqual([]);
  });

  it('of a key of several columns goes by the first that differs (invariant 7)', async () => {
    const lineOf = (order: number, line: string, rowid: string): RowValues => ({ order, line, rowid });
    const keys: [number, string][] = [[1, 'a'], [1, 'b'], [1, 'c'], [2, 'A'], [2, 'b'], [10, 'a'], [10, 'b']];
    await using first = await SinkRun.with(driver, lines, (rows) => {
      for (const [order, line] of keys) rows.insert(lines, lineOf(order, line, 'streamed'));
    });
    await using run = await first.restart();
    await run.copy(lines, { after: ['1', 'b'], upTo: ['10', 'a'] }, [lineOf(2, 'b', 'copied'), lineOf(9, 'z', 'copied')]);
    await run.commit();
    const found = await run.expectSame(projected(lines, 'order', 'line', 'rowid'));
    expect(found).toEqual([
      ['1', 'a', 'streamed'],
      ['1', 'b', 'streamed'],
      ['10', 'b', 'streamed'],
      ['2', 'b', 'copied'],
      ['9', 'z', 'copied'],
    ]);
  });

  it('takes the place of rows that have a column of their own at the sink (invariant 7)', async () => {
    const wide = withColumn(orders, nullable('city', { kind: 'string' }));
    await using first = await withNine(driver);
    await first.commit((rows) => rows.schemaChange({ table: wide, change: 'add', column: 'city', value: 'Bonn' }));
    await first.commit((rows) => rows.schemaChange({ table: ordersTable(3), change: 'drop', column: 'city' }));
    await using run = await first.restart();
    await run.copy(orders, range(3, 6), [orderOf(4), orderOf(6)]);
    await run.commit();
    expect(await noted(run)).toHaveLength(8);
  });
}

function describeGroups(driver: SinkDriver): void {
  it('meets what the stream wrote before it in the same commit, and not what it wrote behind it (invariant 2)', async () => {
    await using run = await withNine(driver);
    await run.transaction((rows) => {
      rows.insert(orders, orderOf(20, 'before')).update(orders, orderOf(5, 'before')).delete(orders, { id: 4 });
      rows.update(orders, orderOf(12, 'before'), { id: 2 });
    });
    await run.copy(orders, range(3, 15), [orderOf(4), orderOf(5), orderOf(7)]);
    await run.transaction((rows) => {
      rows.insert(orders, orderOf(6, 'behind')).update(orders, orderOf(5, 'behind')).delete(orders, { id: 7 });
      rows.update(orders, orderOf(1, 'behind'));
    });
    await run.commit();
    expect(await noted(run)).toEqual(['1 behind', '20 before', '3 streamed', '4 copied', '5 behind', '6 behind']);
  });

  it('meets rows that the same commit only inserted, before it or behind it (invariant 2)', async () => {
    await using run = await withNine(driver);
    await run.transaction((rows) => rows.insert(orders, orderOf(11, 'ghost')).insert(orders, orderOf(30, 'before')));
    await run.copy(orders, range(9, 20), [orderOf(12)]);
    await run.transaction((rows) => rows.insert(orders, orderOf(13, 'behind')));
    await run.commit();
    expect((await noted(run)).filter((row) => !row.endsWith('streamed'))).toEqual(['12 copied', '13 behind', '30 before']);
  });

  it('may come twice in one commit: what was read last counts (invariant 7)', async () => {
    await using run = await withNine(driver);
    await run.copy(orders, range(3, 6), [orderOf(4, 'once'), orderOf(5, 'once')]);
    await run.copy(orders, range(3, 6), [orderOf(5, 'twice'), orderOf(6, 'twice')]);
    await run.commit();
    expect((await noted(run)).slice(3, 5)).toEqual(['5 twice', '6 twice']);
    expect(await run.expectSame(ids)).toHaveLength(8);
  });

  it('meets rows of another range that overlaps it in the same commit (invariant 7)', async () => {
    await using run = await withNine(driver);
    await run.copy(orders, range(null, 5), [orderOf(2), orderOf(4)]);
    await run.copy(orders, range(3, 7), [orderOf(4, 'later'), orderOf(5, 'later')]);
    await run.commit();
    expect(await noted(run)).toEqual(['2 copied', '4 later', '5 later', '8 streamed', '9 streamed']);
  });
}

function describeFirstCopies(driver: SinkDriver): void {
  const created = (rows: BatchBuilder): unknown => rows.schemaChange({ table: orders, change: 'create', reason: 'first' });

  it('follows another in a first copy, with the stream between them (invariant 7)', async () => {
    await using run = await SinkRun.start(driver);
    await run.transaction(created);
    await run.copy(orders, range(null, 4), [orderOf(2), orderOf(4)]);
    await run.transaction((rows) => rows.insert(orders, orderOf(3, 'streamed')).delete(orders, { id: 2 }));
    await run.copy(orders, range(4, 8), [orderOf(5), orderOf(8)]);
    await run.commit();
    await run.transaction((rows) => rows.update(orders, orderOf(5, 'streamed')));
    await run.copy(orders, range(8, null), []);
    await run.commit();
    expect(await noted(run)).toEqual(['3 streamed', '4 copied', '5 streamed', '8 copied']);
  });

  it('of a first copy is resumed by a second session, which reads one once more (invariant 4)', async () => {
    await using first = await SinkRun.start(driver);
    await first.transaction(created);
    await first.copy(orders, range(null, 4), [orderOf(2), orderOf(4)]);
    await first.commit();
    await first.copy(orders, range(4, 8), [orderOf(5), orderOf(7)]);
    await using second = await first.restart();
    await second.copy(orders, range(4, 8), [orderOf(5), orderOf(8)]);
    await second.commit();
    await using third = await second.restart();
    await third.copy(orders, range(4, 8), [orderOf(6), orderOf(8)]);
    await third.copy(orders, range(8, null), [orderOf(9)]);
    await third.commit();
    expect(await noted(third)).toEqual(['2 copied', '4 copied', '6 copied', '8 copied', '9 copied']);
  });

  it('comes again to a session that made the table itself (invariant 7)', async () => {
    await using run = await SinkRun.start(driver);
    await run.transaction(created);
    await run.copy(orders, range(null, 4), [orderOf(2), orderOf(4)]);
    await run.copy(orders, range(4, null), [orderOf(5), orderOf(8)]);
    await run.commit();
    await run.copy(orders, range(4, null), [orderOf(5, 'again'), orderOf(9, 'again')]);
    await run.commit();
    expect(await noted(run)).toEqual(['2 copied', '4 copied', '5 again', '9 again']);
  });

  it('takes the place of rows that the stream brought early (invariant 7)', async () => {
    await using run = await SinkRun.start(driver);
    await run.transaction((rows) => {
      created(rows);
      rows.insert(orders, orderOf(1, 'early')).insert(orders, orderOf(3, 'early'));
    });
    await run.copy(orders, range(null, 4), [orderOf(1), orderOf(2)]);
    await run.transaction((rows) => rows.insert(orders, orderOf(7, 'early')));
    await run.copy(orders, range(4, null), [orderOf(7)]);
    await run.commit();
    expect(await noted(run)).toEqual(['1 copied', '2 copied', '7 copied']);
  });

  it('is not needed for a row that is read by itself: it takes its key’s place (invariant 7)', async () => {
    await using run = await withNine(driver);
    await run.commit((rows) => rows.read(orders, orderOf(4)).read(orders, orderOf(10)).read(orders, orderOf(4, 'again')));
    expect((await noted(run)).filter((row) => !row.endsWith('streamed'))).toEqual(['10 copied', '4 again']);
    expect(await run.expectSame(ids)).toHaveLength(10);
  });
}

/** Where nothing shows of a session that dies before its commit. */
function describeReplays(driver: SinkDriver): void {
  it('that comes again after a restart changes nothing (invariant 4)', async () => {
    await using first = await withNine(driver);
    const copy = async (run: SinkRun): Promise<void> => {
      await run.copy(orders, range(2, 5), [orderOf(3), orderOf(5)]);
      await run.copy(orders, range(5, null), [orderOf(6), orderOf(9)]);
    };
    await copy(first);
    await using second = await first.restart();
    expect(await noted(second)).toHaveLength(9);
    await copy(second);
    await second.commit();
    const rows = await noted(second);
    expect(rows).toEqual(['1 streamed', '2 streamed', '3 copied', '5 copied', '6 copied', '9 copied']);
    await using third = await second.restart();
    await copy(third);
    await third.commit();
    expect(await noted(third)).toEqual(rows);
  });

  it('leaves a history as it is: there rows are added (invariant 7)', async () => {
    await using run = await withNine(driver, { mode: 'append' });
    await run.copy(orders, range(3, 6), [orderOf(4)]);
    await run.copy(orders, range(6, null), []);
    await run.commit();
    const history = await run.expectSame(projected(historyTable(orders), 'id', '_weir_op'));
    expect(history).toHaveLength(10);
    expect(history).toContainEqual(['4', 'read']);
  });
}

/** Tables without a key are refused by class C. */
function describeUnordered(driver: SinkDriver): void {
  it('is refused for a table whose keys have no order', async () => {
    const keyless = withKey(orders);
    await using run = await SinkRun.with(driver, keyless, (rows) => rows.insert(keyless, orderOf(1)));
    const rows = run.begin().read(keyless, orderOf(2));
    const batch = rows.chunk(keyless, { range: range(null, null), last: true }).build(run.checkpoint);
    const error = await failure(run.session.write(batch).then(() => run.session.commit(run.checkpoint)));
    expect(error.code).toBe('WEIR_SDK_USE');
  });
}

function describeMarks(driver: SinkDriver): void {
  const marked = withMark(orders);
  const soft = { deletes: 'soft' } as const;

  it('marks the rows that it does not hold, and leaves older marks, where deletes mark (invariant 7)', async () => {
    await using first = await withNine(driver, soft);
    await first.commit((rows) => rows.delete(orders, { id: 4 }).delete(orders, { id: 5 }));
    const old = await first.harness.rows(projected(marked, 'id', '_weir_deleted_at'));
    await using run = await first.restart();
    await run.copy(orders, range(3, 8), [orderOf(5), orderOf(6), orderOf(7)]);
    await run.commit();
    expect(await noted(run)).toEqual([
      '1 streamed', '2 streamed', '3 streamed', '5 copied', '6 copied', '7 copied', '9 streamed',
    ]);
    const marks = await run.harness.rows(projected(marked, 'id', 'note', '_weir_deleted_at'));
    expect(marks).toHaveLength(9);
    const gone = marks.filter(([, , mark]) => mark !== null);
    expect(gone.map(([id, note]) => [id, note])).toEqual([['4', 'streamed'], ['8', 'streamed']]);
    expect([gone[0]![0], gone[0]![2]]).toEqual(old[3]);
    // The same once more: a mark stays what it is.
    await using again = await run.restart();
    await again.copy(orders, range(3, 8), [orderOf(5), orderOf(6), orderOf(7)]);
    await again.commit();
    expect(await again.harness.rows(projected(marked, 'id', 'note', '_weir_deleted_at'))).toEqual(marks);
  });

  it('marks with the time of its commit, if the source knows one (invariant 9)', async () => {
    await using run = await withNine(driver, soft);
    const rows = run.begin().read(orders, orderOf(2));
    await run.end(rows.chunk(orders, { range: range(1, 3), last: false }));
    await run.commit();
    expect(await run.expectSame(marked)).toHaveLength(9);
    expect(await run.expectSame(orders)).toHaveLength(8);
  });

  it('that is empty marks all of its rows, and with the stream around it only those (invariant 2)', async () => {
    await using run = await withNine(driver, soft);
    await run.transaction((rows) => rows.insert(orders, orderOf(11, 'before')).update(orders, orderOf(5, 'before')));
    await run.copy(orders, range(4, null), []);
    await run.transaction((rows) => rows.insert(orders, orderOf(6, 'behind')));
    await run.copy(orders, range(100, 200), [orderOf(150)]);
    await run.commit();
    expect(await noted(run)).toEqual([
      '1 streamed', '150 copied', '2 streamed', '3 streamed', '4 streamed', '6 behind',
    ]);
    expect(await run.harness.rows(marked)).toHaveLength(11);
  });
}

function describeRefusals(driver: SinkDriver): void {
  it('is refused with a row that it does not hold', async () => {
    await using run = await withNine(driver);
    const rows = run.begin().read(orders, orderOf(3));
    const batch = rows.chunk(orders, { range: range(3, 6), last: false }).build(run.checkpoint);
    const error = await failure(run.session.write(batch).then(() => run.session.commit(run.checkpoint)));
    expect(error.code).toBe('WEIR_SDK_USE');
  });
}
