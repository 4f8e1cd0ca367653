import { describe, expect, it } from 'vitest';
import { Op, tableName, unchanged } from '@weir/sdk';
import { foldItems } from './items.ts';
import { largeValue } from './large-value.ts';
import { Reading } from './reading.ts';
import { scanTable } from './scan-table.ts';
import { latin1, type SeenRow } from './seen-batch.ts';
import type { SourceDriver } from './source-driver.ts';

export function describeValues(driver: SourceDriver): void {
  describe('values', () => {
    it('have the same bytes by copy, by stream and by scan, and these are the canonical ones (invariant 9)', async () => {
      await using environment = await driver.start();
      const { typeCases } = driver;
      const rowCount = Math.max(...typeCases.map(({ cells }) => cells.length));
      await environment.createTypes();
      await using reading = await Reading.open(environment.source(), null);
      await reading.untilCopied();
      await environment.insertTypes();
      await reading.untilHead();
      const { signal } = new AbortController();
      const table = (await environment.source().discover(signal)).find(({ name }) => name === 'types')!;
      expect(table.columns.slice(1).map(({ name, type }) => ({ name, type }))).toEqual(
        typeCases.map(({ column: name, type }) => ({ name, type })),
      );
      const expected = Array.from({ length: rowCount }, (_, row) => [
        String(row + 1),
        ...typeCases.map(({ cells }) => canonical(cells[row])),
      ]);
      expect(byId(reading.copied, tableName(table), Op.read)).toEqual(expected);
      expect(byId(reading.streamed, tableName(table), Op.insert)).toEqual(expected);
      expect(byId(await scanTable(environment.source(), 'types'), tableName(table), Op.read)).toEqual(expected);
    });

    it('that are large and did not change are unchanged, never NULL', async () => {
      await using environment = await driver.start();
      await environment.apply([{ op: 'insert', id: 1, label: 'a', large: largeValue(1) }]);
      await using reading = await Reading.open(environment.source(), null);
      await reading.untilCopied();
      await environment.apply([{ op: 'update', id: 1, label: 'b' }]);
      await environment.apply([
        { op: 'insert', id: 2, label: 'c', large: largeValue(2) },
        { op: 'update', id: 2, label: 'd' },
      ]);
      await environment.apply([{ op: 'changeKey', id: 2, to: 3 }]);
      await environment.apply([{ op: 'update', id: 3, large: largeValue(3) }]);
      await environment.apply([{ op: 'update', id: 3, large: null }]);
      await reading.untilHead();
      const omitted = driver.omitsUnchanged ? unchanged : null;
      expect(reading.copied.map(({ after }) => after![2])).toEqual([largeValue(1)]);
      expect(reading.streamed.map(({ after }) => after![2])).toEqual([
        omitted ?? largeValue(1),
        largeValue(2),
        omitted ?? largeValue(2),
        omitted ?? largeValue(2),
        largeValue(3),
        null,
      ]);
      expect(foldItems(reading.rows)).toEqual(
        new Map([
          [1, { label: 'b', large: largeValue(1) }],
          [3, { label: 'd', large: null }],
        ]),
      );
    });

    it('of an old key come with a changed key and with a delete; an update of other columns needs none', async () => {
      await using environment = await driver.start();
      await environment.fill(1, 1, 'a');
      await using reading = await Reading.open(environment.source(), null);
      await reading.untilCopied();
      await environment.apply([{ op: 'changeKey', id: 1, to: 2 }]);
      await environment.apply([{ op: 'update', id: 2, label: 'b' }]);
      await environment.apply([{ op: 'delete', id: 2 }]);
      await reading.untilHead();
      const [changed, updated, deleted] = reading.streamed;
      expect(changed).toMatchObject({ op: Op.update, after: ['2', 'a', null] });
      expect(changed!.before![0]).toBe('1');
      expect(updated).toMatchObject({ op: Op.update, after: ['2', 'b', null] });
      expect(updated!.before?.[0] ?? '2').toBe('2');
      expect(deleted).toMatchObject({ op: Op.delete, after: null });
      expect(deleted!.before![0]).toBe('2');
    });
  });
}

function canonical(cell: string | Uint8Array | null | undefined): string | null {
  return cell == null ? null : latin1(cell);
}

function byId(rows: readonly SeenRow[], table: string, op: Op): (SeenRow['after'] & object)[] {
  const images = rows.filter((row) => row.table === table && row.op === op).map(({ after }) => after!);
  return images.toSorted((a, b) => Number(a[0]) - Number(b[0]));
}
