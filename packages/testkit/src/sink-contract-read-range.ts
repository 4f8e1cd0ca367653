import { describe, expect, it } from 'vitest';
import { schemaPolicies, type KeyRange, type RowValues } from '@weir/sdk';
import { linesTable, nullable, ordersTable, withColumn } from './sink-contract-tables.ts';
import type { SinkDriver } from './sink-driver.ts';
import { SinkRun } from './sink-run.ts';

const orders = ordersTable();
const lines = linesTable();

function range(after: number | null, upTo: number | null): KeyRange {
  return { after: after === null ? null : [String(after)], upTo: upTo === null ? null : [String(upTo)] };
}

function orderOf(id: number, note = 'streamed'): RowValues {
  return { id, note, amount: `${id}.50`, paid: id % 2 === 0 };
}

/** The ids in a range, as the session sees them. */
async function idsIn(run: SinkRun, after: number | null, upTo: number | null): Promise<number[]> {
  const rows = await run.range(orders, range(after, upTo));
  return rows.map(([id]) => Number(id)).toSorted((a, b) => a - b);
}

async function withNine(driver: SinkDriver, options: Parameters<typeof SinkRun.with>[3] = {}): Promise<SinkRun> {
  const fill: Parameters<typeof SinkRun.with>[2] = (rows) => {
    for (let id = 1; id <= 9; id++) rows.insert(orders, orderOf(id));
  };
  return await SinkRun.with(driver, orders, fill, options);
}

export function describeReadRange(driver: SinkDriver): void {
  describe('a range that is read back', () => {
    it('has the rows behind `after`, up to `upTo`, with all their cells (invariant 9)', async () => {
      await using run = await withNine(driver);
      expect(await run.range(orders, range(3, 5))).toEqual([
        ['4', 'streamed', '4.50', 't'],
        ['5', 'streamed', '5.50', 'f'],
      ]);
      expect(await idsIn(run, null, 2)).toEqual([1, 2]);
      expect(await idsIn(run, 8, null)).toEqual([9]);
      expect(await idsIn(run, null, null)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect(await idsIn(run, 9, null)).toEqual([]);
    });

    it('is as it is behind what the session has written, committed or not (invariant 2)', async () => {
      await using run = await withNine(driver);
      await run.transaction((rows) => rows.insert(orders, orderOf(10)).delete(orders, { id: 4 }).update(orders, orderOf(5, 'new')));
      expect(await idsIn(run, 3, null)).toEqual([5, 6, 7, 8, 9, 10]);
      await run.copy(orders, range(5, 8), [orderOf(7, 'copied')]);
      expect(await run.range(orders, range(4, 8))).toEqual([
        ['5', 'new', '5.50', 'f'],
        ['7', 'copied', '7.50', 'f'],
      ]);
      await run.transaction((rows) => rows.insert(orders, orderOf(8, 'late')));
      expect(await idsIn(run, 4, 8)).toEqual([5, 7, 8]);
      await run.commit();
      await run.expectSame(orders);
      await using next = await run.restart();
      expect(await idsIn(next, null, null)).toEqual([1, 2, 3, 5, 7, 8, 9, 10]);
    });

    it('goes by the order of the source, of a key of several columns too (invariant 7)', async () => {
      const keys: [number, string][] = [[1, 'a'], [1, 'B'], [2, 'A'], [2, 'b'], [10, 'a'], [10, 'ä']];
      await using run = await SinkRun.with(driver, lines, (rows) => {
        for (const [order, line] of keys) rows.insert(lines, { order, line });
      });
      const found = await run.range(lines, { after: ['1', 'B'], upTo: ['10', 'a'] });
      const read = found.map(([, line, order]) => `${String(order)} ${String(line)}`).toSorted();
      expect(read).toEqual(['1 a', '10 a', '2 A', '2 b']);
    });

    it('leaves out what is marked as deleted (invariant 7)', async () => {
      await using run = await withNine(driver, { deletes: 'soft' });
      await run.commit((rows) => rows.delete(orders, { id: 4 }));
      expect(await idsIn(run, 2, 6)).toEqual([3, 5, 6]);
    });

    it('leaves out columns that the mirror has not, by its policies (invariant 9)', async () => {
      const wide = withColumn(orders, nullable('city', { kind: 'string' }));
      await using run = await withNine(driver, { schemaChanges: { ...schemaPolicies('apply'), add: 'ignore' } });
      await run.commit((rows) => rows.insert(wide, { ...orderOf(10), city: 'Bonn' }));
      const found: [string[], number][] = [];
      for await (const batch of run.session.readRange!(wide, range(9, null))) {
        found.push([batch.tables[0]!.columns.map(({ name }) => name), batch.rows]);
        batch.release();
      }
      expect(found).toEqual([[['id', 'note', 'amount', 'paid'], 1]]);
    });

    it('of which not all is taken leaves the session as it was (invariant 5)', async () => {
      const many = 12_000;
      await using run = await SinkRun.with(driver, orders, (rows) => {
        for (let id = 1; id <= many; id++) rows.insert(orders, orderOf(id));
      });
      for await (const batch of run.session.readRange!(orders, range(null, null))) {
        expect(batch.rows).toBeGreaterThan(0);
        batch.release();
        break;
      }
      await run.commit((rows) => rows.delete(orders, { id: 1 }).insert(orders, orderOf(many + 1)));
      expect(await idsIn(run, null, 2)).toEqual([2]);
      expect(await idsIn(run, many - 1, null)).toEqual([many, many + 1]);
      await run.expectSame(orders);
    });

    it('is not offered where a history is kept', async () => {
      await using run = await withNine(driver, { mode: 'append' });
      expect('readRange' in run.session && run.session.readRange !== undefined).toBe(false);
    });
  });
}
