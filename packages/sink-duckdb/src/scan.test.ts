import { describe, expect, it } from 'vitest';
import { RowCursor, type Sink, type Table } from '@weir/sdk';
import { Child } from '@weir/testkit';
import { batch, checkpointAt, column, openSession, ordersTable, withOrders } from '@weir/testkit/orders';
import { TemporaryDatabase } from './testing/temporary-database.ts';

const table = ordersTable({
  columns: [
    column('id', { kind: 'int', bits: 64 }),
    column('constant', { kind: 'string' }),
    column('few', { kind: 'string' }),
    column('many', { kind: 'string' }),
    column('empty', { kind: 'string' }),
    column('flag', { kind: 'bool' }),
    column('at', { kind: 'timestamptz' }),
  ],
});

function cellsOf(id: number): (string | null)[] {
  const few = id % 3 === 0 ? null : `one of a few longer labels, ${id % 5}`;
  const at = `2024-05-06T07:${String(Math.floor(id / 60) % 60).padStart(2, '0')}:${String(id % 60).padStart(2, '0')}Z`;
  return [String(id), 'always the same, and long', few, `row ${id} of many`, null, id % 100 === 0 ? 't' : 'f', at];
}

async function write(sink: Sink, count: number): Promise<void> {
  await using session = await openSession(sink);
  for (let from = 0; from < count; from += 8192) {
    const rows = batch(1, (builder) => {
      if (from === 0) builder.schemaChange({ table, change: 'create' });
      for (let id = from; id < Math.min(count, from + 8192); id++) {
        const cells = cellsOf(id);
        builder.insert(table, Object.fromEntries(table.columns.map(({ name }, index) => [name, cells[index]!])));
      }
    });
    await session.write(rows);
    rows.release();
  }
  await session.commit(checkpointAt(1));
}

async function scan(
  sink: Pick<Sink, 'scan'>,
  scanned: Table,
  signal = new AbortController().signal,
): Promise<Map<string, (string | null)[]>> {
  const found = new Map<string, (string | null)[]>();
  for await (const rows of sink.scan!(scanned, signal)) {
    for (const row of new RowCursor(rows)) {
      found.set(
        row.after.text(0)!,
        scanned.columns.map((_, index) => row.after.text(index)),
      );
    }
    rows.release();
  }
  return found;
}

/** Whether this process has the file open: it would share it with whoever opens it anew. */
async function lockedBy(path: string): Promise<boolean> {
  await using child = new Child(new URL('./testing/hold-database.ts', import.meta.url), [path]);
  return (await child.line().catch(() => null)) !== 'open';
}

describe('a scan', () => {
  it('gives every cell of a table that DuckDB has compressed in its file (invariant 9)', async () => {
    await using database = await TemporaryDatabase.make();
    const count = 150_000;
    await write(database.sink(), count);
    const found = await scan(database.sink(), table);
    expect(found.size).toBe(count);
    const wrong = [...found].filter(([id, cells]) => JSON.stringify(cells) !== JSON.stringify(cellsOf(Number(id))));
    expect(wrong).toEqual([]);
  });

  it('ends when it is aborted', async () => {
    await using database = await TemporaryDatabase.make();
    await using _ = await withOrders(database.sink(), ordersTable(), [{ id: 1 }]);
    await expect(scan(database.sink(), ordersTable(), AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });

  it('of a table that is not there, or not as expected, says so', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    await using _ = await withOrders(sink, ordersTable(), [{ id: 1 }]);
    await expect(scan(sink, ordersTable({ name: 'nothing' }))).rejects.toMatchObject({ code: 'WEIR_DUCKDB_QUERY' });
    const columns = [column('id', { kind: 'int', bits: 64 }), column('note', { kind: 'bytes' })];
    await expect(scan(sink, ordersTable({ columns }))).rejects.toMatchObject({ code: 'WEIR_SINK_COLUMN_TYPE' });
  });

  it('can be made again by a reader that keeps the file open, also where the one before was left in the middle', async () => {
    await using database = await TemporaryDatabase.make();
    await write(database.sink(), 20_000);
    {
      await using reader = database.sink().reader!();
      for await (const rows of reader.scan(table, new AbortController().signal)) {
        rows.release();
        break;
      }
      for (let time = 0; time < 2; time++) expect((await scan(reader, table)).size).toBe(20_000);
      expect(await lockedBy(database.path)).toBe(true);
    }
    expect(await lockedBy(database.path)).toBe(false);
  });
});
