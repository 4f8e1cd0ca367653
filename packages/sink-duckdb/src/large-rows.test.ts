import { describe, expect, it } from 'vitest';
import { unchanged, type RowValues, type Sink, type SinkOptions, type Table } from '@weir/sdk';
import { ask, batch, checkpointAt, column, openSession, ordersTable } from '@weir/testkit/orders';
import { TemporaryDatabase } from './testing/temporary-database.ts';

const MIB = 2 ** 20;
/** DuckDB's least limit, and a row that does not fit into it twice. */
const options = { memoryBytes: 64 * MIB } as const;
const SIZE = 40 * MIB;

const keyed = ordersTable({
  columns: [
    column('id', { kind: 'int', bits: 64 }),
    column('data', { kind: 'bytes' }),
    column('n', { kind: 'int', bits: 64 }),
  ],
});
const large = (byte: number): Uint8Array => new Uint8Array(SIZE).fill(byte);
const keyOnly = (id: number): RowValues => ({ id, data: unchanged, n: unchanged });
const summary = 'SELECT id, octet_length(data), md5(data), n FROM public.orders ORDER BY id';

async function md5Of(database: TemporaryDatabase, byte: number): Promise<string | null> {
  const [row] = await ask(database.sink(options), `SELECT md5(repeat(chr(${byte}), ${SIZE}))`);
  return row![0]!;
}

/** Where changes wait until the next of them, and where they are merged at once. */
const waits = (database: TemporaryDatabase): Sink => database.deltaSink({ share: 1000, atRest: true }, options);
const merges = (database: TemporaryDatabase): Sink => database.deltaSink({ share: 0.0001, atRest: true }, options);
const plain = (database: TemporaryDatabase): Sink => database.sink(options);

async function withLarge(database: TemporaryDatabase, table: Table, more: Partial<SinkOptions> = {}): Promise<void> {
  await using session = await openSession(database.sink({ ...options, ...more }));
  await session.write(
    batch(1, (rows) => rows.schemaChange({ table, change: 'create' }).insert(table, { id: 1, data: large(97), n: 1 })),
  );
  await session.commit(checkpointAt(1));
}

describe('a row larger than half of DuckDB’s memory (invariant 8)', { timeout: 120_000 }, () => {
  it.each([
    { where: 'in the table', open: plain },
    { where: 'in a delta', open: waits },
    { where: 'in a delta that is merged', open: merges },
  ])('is inserted, replaced, changed in its other cells, moved to another key and deleted: $where', async ({ open }) => {
    await using database = await TemporaryDatabase.make();
    await withLarge(database, keyed);
    // A session that has not seen the row knows from the file that it is there.
    await using session = await openSession(open(database));
    await session.recover();
    const b = await md5Of(database, 98);
    await session.write(
      batch(2, (rows) => rows.insert(keyed, { id: 2, data: null, n: 2 }).update(keyed, { id: 1, data: large(98), n: 2 })),
    );
    await session.write(batch(2, (rows) => rows.update(keyed, { id: 1, data: unchanged, n: 3 })));
    await session.commit(checkpointAt(2));
    expect(await ask(database.sink(options), summary)).toEqual([
      ['1', String(SIZE), b, '3'],
      ['2', null, null, '2'],
    ]);
    await session.write(batch(3, (rows) => rows.update(keyed, { ...keyOnly(7), n: 4 }, keyOnly(1))));
    await session.commit(checkpointAt(3));
    expect(await ask(database.sink(options), summary)).toContainEqual(['7', String(SIZE), b, '4']);
    // A row that waits, if any does, is replaced and merged.
    await session.write(batch(4, (rows) => rows.update(keyed, { id: 7, data: large(99), n: 4 })));
    await session.commit(checkpointAt(4));
    await session.write(batch(4, (rows) => rows.update(keyed, { id: 7, data: large(98), n: 4 })));
    await session.commit(checkpointAt(4));
    await session.commit(checkpointAt(4));
    expect(await ask(database.sink(options), summary)).toContainEqual(['7', String(SIZE), b, '4']);
    await session.write(batch(4, (rows) => rows.delete(keyed, { id: 7, data: large(98), n: 4 })));
    await session.commit(checkpointAt(4));
    expect(await ask(database.sink(options), summary)).toEqual([['2', null, null, '2']]);
  });

  it('is marked, and found without a key', async () => {
    for (const table of [keyed, ordersTable({ columns: keyed.columns, key: [] })]) {
      await using database = await TemporaryDatabase.make();
      await withLarge(database, table, { deletes: 'soft' });
      await using session = await openSession(database.sink({ ...options, deletes: 'soft' }));
      await session.recover();
      await session.write(
        batch(2, (rows) => rows.update(table, { id: 1, data: unchanged, n: 2 }, { id: 1, data: large(97), n: 1 })),
      );
      await session.commit(checkpointAt(2));
      const before = table.key.length === 0 ? { id: 1, data: large(97), n: 2 } : keyOnly(1);
      await session.write(batch(3, (rows) => rows.delete(table, before)));
      await session.commit(checkpointAt(3));
      const marked = 'SELECT id, octet_length(data), n, _weir_deleted_at IS NOT NULL FROM public.orders';
      expect(await ask(database.sink(options), marked)).toEqual([['1', String(SIZE), '2', 'true']]);
    }
  });

  it('is written to a history with both images', async () => {
    await using database = await TemporaryDatabase.make();
    await withLarge(database, keyed, { mode: 'append' });
    await using session = await openSession(database.sink({ ...options, mode: 'append' }));
    await session.recover();
    await session.write(
      batch(2, (rows) => rows.update(keyed, { id: 1, data: large(98), n: 2 }, { id: 1, data: large(97), n: 1 })),
    );
    await session.commit(checkpointAt(2));
    const lengths = 'SELECT _weir_op, octet_length(data), length(_weir_before) FROM public.orders ORDER BY _weir_position';
    const before = '{"id":"1","data":"\\\\x'.length + SIZE * 2 + '","n":"1"}'.length;
    expect(await ask(database.sink(options), lengths)).toEqual([
      ['insert', String(SIZE), null],
      ['update', String(SIZE), String(before)],
    ]);
  });
});
