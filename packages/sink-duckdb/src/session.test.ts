import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { WeirError, canonicalCell, emptyBatch, unchanged, type RowValues, type Table } from '@weir/sdk';
import { ask, batch, checkpointAt, column, openSession, ordersTable, withOrders } from '@weir/testkit/orders';
import { openDatabase } from './database.ts';
import { TemporaryDatabase } from './testing/temporary-database.ts';

const orders = ordersTable();
const one: RowValues = { id: 1, note: 'one', amount: '1.00' };
const two: RowValues = { id: 2, note: 'two', amount: '2.00' };
const three: RowValues = { id: 3, note: 'three', amount: '3.00' };
const keyOnly = (id: number): RowValues => ({ id, note: unchanged, amount: unchanged });
const all = 'SELECT * FROM public.orders ORDER BY id';

/** Runs SQL behind the sink's back, in the same file. */
async function tamper(path: string, sql: string): Promise<void> {
  const database = await openDatabase(path, { memoryLimit: 0, threads: undefined });
  const connection = await database.connect();
  await connection.run(sql);
  connection.closeSync();
  await database.release();
}

describe('a session', () => {
  it('refuses to change what somebody changed in the mirror, and says how many, not what (invariant 10)', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    const changes = [
      { sql: 'DELETE FROM public.orders WHERE id = 1', message: '1 to change are missing' },
      { sql: "INSERT INTO public.orders VALUES (1, 'twice', 0)", message: '1 rows to change are there twice' },
      { sql: "INSERT INTO public.orders VALUES (9, 'there', 0)", message: '1 rows to insert are there already' },
    ];
    for (const { sql, message } of changes) {
      await using session = await withOrders(sink, orders, [one, two]);
      await tamper(database.path, sql);
      const before = await ask(sink, all);
      await session.write(
        batch(2, (rows) => rows.update(orders, { ...one, note: 'secret' }).insert(orders, { ...one, id: 9 })),
      );
      const commit = session.commit(checkpointAt(2));
      await expect(commit).rejects.toMatchObject({
        code: 'WEIR_DUCKDB_DIVERGED',
        message: expect.stringContaining(message) as string,
      });
      await expect(commit).rejects.not.toMatchObject({ message: expect.stringContaining('secret') as string });
      expect(await ask(sink, all)).toEqual(before);
    }
  });

  it('takes the first copy of a key as it is, whatever is there', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    await using session = await withOrders(sink, orders, [one, two]);
    await session.write(
      batch(2, (rows) =>
        rows
          .delete(orders, two)
          .read(orders, { ...one, note: 'copied' })
          .read(orders, three),
      ),
    );
    await session.commit(checkpointAt(2));
    expect(await ask(sink, all)).toEqual([
      ['1', 'copied', '1.00'],
      ['3', 'three', '3.00'],
    ]);
  });

  it('follows keys that are swapped directly, or all moved by one, when old images are whole', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    await using session = await withOrders(sink, orders, [one, two, three]);
    const move = (from: RowValues, id: number) => [{ ...from, id }, from] as const;
    await session.write(batch(2, (rows) => rows.update(orders, ...move(one, 2)).update(orders, ...move(two, 1))));
    await session.commit(checkpointAt(2));
    expect(await ask(sink, all)).toEqual([
      ['1', 'two', '2.00'],
      ['2', 'one', '1.00'],
      ['3', 'three', '3.00'],
    ]);
    await session.write(
      batch(3, (rows) => {
        rows
          .update(orders, ...move({ ...two, id: 1 }, 2))
          .update(orders, ...move({ ...one, id: 2 }, 3))
          .update(orders, ...move(three, 4));
        rows.update(orders, { id: 4, note: unchanged, amount: '4.00' });
      }),
    );
    await session.commit(checkpointAt(3));
    expect(await ask(sink, all)).toEqual([
      ['2', 'two', '2.00'],
      ['3', 'one', '1.00'],
      ['4', 'three', '4.00'],
    ]);
  });

  it('refuses to give a row a key that is taken', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    await using session = await withOrders(sink, orders, [one, two]);
    const write = session.write(batch(2, (rows) => rows.update(orders, keyOnly(2), keyOnly(1))));
    await expect(write).rejects.toMatchObject({ code: 'WEIR_DUCKDB_DIVERGED' });
  });

  it('commits nothing of a group that failed in the middle', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    await using session = await withOrders(sink, orders, [one]);
    const write = session.write(
      batch(2, (rows) => rows.insert(orders, two).insert(orders, { ...three, amount: '12345678901.00' })),
    );
    await expect(write).rejects.toMatchObject({
      code: 'WEIR_DUCKDB_VALUE',
      message: 'public.orders.amount: a value does not fit DECIMAL(12,2)',
    });
    await expect(session.commit(checkpointAt(2))).rejects.toMatchObject({ code: 'WEIR_DUCKDB_VALUE' });
    await expect(session.write(batch(3, (rows) => rows.insert(orders, two)))).rejects.toMatchObject({
      code: 'WEIR_DUCKDB_VALUE',
    });
    expect(await ask(sink, all)).toEqual([['1', 'one', '1.00']]);
  });

  it('can be disposed while it writes, twice, and takes nothing after', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    const session = await withOrders(sink, orders, []);
    const writing = session
      .write(
        batch(2, (rows) => {
          for (let id = 1; id <= 5000; id++) rows.insert(orders, { id, note: 'n', amount: null });
          for (let id = 1; id <= 5000; id++) rows.update(orders, { id, note: unchanged, amount: '1.00' });
        }),
      )
      .then(() => session.commit(checkpointAt(2)));
    await Promise.all([session[Symbol.asyncDispose](), session[Symbol.asyncDispose](), writing.catch(() => {})]);
    await expect(session.commit(checkpointAt(2))).rejects.toBeInstanceOf(WeirError);
    expect(await ask(sink, all)).toEqual([]);
  });

  it('writes the state of a checkpoint only when it is another object', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    await using session = await openSession(sink);
    const state = { large: 'x'.repeat(100) };
    await session.commit(checkpointAt(1, state));
    await tamper(database.path, "UPDATE shop.weir.checkpoint SET state = '{}'");
    await session.commit(checkpointAt(2, state));
    expect(await session.recover()).toEqual(checkpointAt(2, {}));
    await session.commit(checkpointAt(3, { ...state }));
    expect(await session.recover()).toEqual(checkpointAt(3, state));
  });

  it('tells a conflict on its row that is no takeover as one that may pass', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    await using session = await withOrders(sink, orders, [one]);
    const more = ordersTable({ name: 'more' });
    await session.write(batch(2, (rows) => rows.schemaChange({ table: more, change: 'create' }).insert(orders, two)));
    await tamper(database.path, 'UPDATE shop.weir.checkpoint SET updated_at = NULL');
    await expect(session.commit(checkpointAt(2))).rejects.toMatchObject({ code: 'WEIR_DUCKDB_QUERY' });
    expect(await ask(sink, all)).toEqual([['1', 'one', '1.00']]);
  });

  it('changes one row of a table without a key that is the same in every column, or says that there is none', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    const log = ordersTable({ key: [] });
    await using session = await withOrders(sink, log, [one, one]);
    await session.write(
      batch(2, (rows) =>
        rows
          .delete(log, one)
          .insert(log, two)
          .update(log, { ...two, note: null }, two),
      ),
    );
    await session.commit(checkpointAt(2));
    expect(await ask(sink, all)).toEqual([
      ['1', 'one', '1.00'],
      ['2', null, '2.00'],
    ]);
    // The third delete comes before the insert that would make its row.
    await session.write(batch(3, (rows) => rows.delete(log, one).delete(log, one).insert(log, one)));
    await expect(session.commit(checkpointAt(3))).rejects.toMatchObject({
      code: 'WEIR_DUCKDB_DIVERGED',
      table: 'public.orders',
      message: expect.stringContaining('1 to change are missing') as string,
    });
  });

  it('refuses an old image that is not whole where there is no key', async () => {
    await using database = await TemporaryDatabase.make();
    const log = ordersTable({ key: [] });
    await using session = await withOrders(database.sink(), log, [one]);
    const write = session.write(batch(2, (rows) => rows.delete(log, keyOnly(1))));
    await expect(write).rejects.toMatchObject({ code: 'WEIR_SDK_USE', table: 'public.orders' });
  });

  it('refuses rows that are no rows', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    const wrong = [
      batch(2, (rows) => rows.insert(orders, { ...one, note: unchanged })),
      batch(2, (rows) => rows.delete(orders, two).insert(orders, { ...one, note: unchanged })),
      batch(2, (rows) => rows.update(orders, { ...one, id: null })),
      batch(2, (rows) => rows.update(orders, { ...one, id: unchanged })),
      { ...batch(2, (rows) => rows.insert(orders, one)), after: Int32Array.of(-1) },
      { ...batch(2, (rows) => rows.delete(orders, one)), before: Int32Array.of(-1) },
    ];
    for (const rows of wrong) {
      await using session = await withOrders(sink, orders, [one, two]);
      await expect(session.write(rows)).rejects.toMatchObject({ code: 'WEIR_SDK_USE' });
    }
  });

  it('finds rows by keys of any type', async () => {
    await using database = await TemporaryDatabase.make();
    const keys: [Table['columns'][number]['type'], string[]][] = [
      [{ kind: 'string' }, ['', 'ä long key that lies elsewhere']],
      [{ kind: 'uuid' }, ['0123abcd-4567-89ab-cdef-0123456789ab', 'ffffffff-ffff-ffff-ffff-ffffffffffff']],
      [{ kind: 'decimal', precision: 38, scale: 0 }, ['99999999999999999999999999999999999999', '0']],
      [{ kind: 'decimal', precision: null, scale: null }, ['1.0', '1.00']],
      [{ kind: 'timestamptz' }, ['2024-01-01T00:00:00.000001Z', 'infinity']],
      [{ kind: 'date' }, ['-000043-03-15', '2024-02-29']],
      [{ kind: 'bytes' }, ['\u0000\u0001', '']],
      [{ kind: 'bool' }, ['t', 'f']],
      [{ kind: 'float', bits: 64 }, ['NaN', '1e-05']],
      [{ kind: 'time' }, ['24:00:00', '00:00:00']],
    ];
    const sink = database.sink();
    for (const [type, [first = '', second = '']] of keys) {
      const table = ordersTable({ columns: [column('rowid', type), column('note', { kind: 'string' })] });
      await using session = await withOrders(sink, table, [
        { rowid: first, note: 'a' },
        { rowid: second, note: 'b' },
      ]);
      await session.write(
        batch(2, (rows) =>
          rows.update(table, { rowid: first, note: 'changed' }).delete(table, { rowid: second, note: unchanged }),
        ),
      );
      await session.commit(checkpointAt(2));
      expect(await ask(sink, 'SELECT note FROM public.orders'), canonicalCell(first, type).join()).toEqual([['changed']]);
    }
  });

  it('merges more than once in a commit where it has to', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    const many = Array.from({ length: 10_000 }, (_, id) => ({ id, note: 'old', amount: '0.00' }));
    await using session = await withOrders(sink, orders, many);
    for (let round = 1; round <= 3; round++) {
      await session.write(
        batch(2, (rows) => {
          for (const { id } of many) rows.update(orders, { id, note: unchanged, amount: `${round}.00` });
          rows.update(orders, keyOnly(-round), keyOnly(round));
          rows.insert(orders, { id: round, note: `round ${round}`, amount: '0.00' });
        }),
      );
    }
    await session.commit(checkpointAt(2));
    expect(await ask(sink, 'SELECT count(*), count(DISTINCT id), sum(amount) FROM public.orders')).toEqual([
      ['10003', '10003', '30003.00'],
    ]);
    expect(await ask(sink, 'SELECT * FROM public.orders WHERE id < 4 ORDER BY id')).toEqual([
      ['-3', 'old', '3.00'],
      ['-2', 'old', '2.00'],
      ['-1', 'old', '1.00'],
      ['0', 'old', '3.00'],
      ['1', 'round 1', '3.00'],
      ['2', 'round 2', '3.00'],
      ['3', 'round 3', '0.00'],
    ]);
  });

  it('forgets large rows, too, that were written before a truncate of the same commit', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    await using session = await withOrders(sink, orders, [one, two]);
    const large = { ...one, note: 'large '.repeat(2 ** 20) };
    for (let round = 0; round < 5; round++) await session.write(batch(2, (rows) => rows.update(orders, large)));
    await session.write(
      batch(2, (rows) =>
        rows
          .truncate(orders)
          .insert(orders, three)
          .update(orders, { ...three, note: unchanged }),
      ),
    );
    await session.commit(checkpointAt(2));
    expect(await ask(sink, all)).toEqual([['3', 'three', '3.00']]);
  });

  it('keeps unchanged cells of tables with many columns', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    const columns = Array.from({ length: 100 }, (_, index) => column(`c ${index}`, { kind: 'int', bits: 32 }));
    const table = ordersTable({ columns, key: [64] });
    const row = Object.fromEntries(columns.map(({ name }, index) => [name, index]));
    await using session = await withOrders(sink, table, [row]);
    const kept = [0, 31, 32, 63, 95, 96, 99];
    const changed = columns.map(
      ({ name }, index) => [name, kept.includes(index) ? unchanged : index === 64 ? 64 : -index] as const,
    );
    await session.write(batch(2, (rows) => rows.update(table, Object.fromEntries(changed))));
    await session.commit(checkpointAt(2));
    const expected = columns.map((_, index) => String(kept.includes(index) || index === 64 ? index : -index));
    expect(await ask(sink, 'SELECT * FROM public.orders')).toEqual([expected]);
  });
});

describe('forgetting', () => {
  const shard = { pipeline: 'shop', sink: 'warehouse', shard: 0 };
  const { signal } = new AbortController();

  it('takes the fence: a session that was open commits nothing more, and the next one starts from nothing', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink();
    expect(await sink.forget!(shard, signal)).toBe(false);
    expect(existsSync(database.path)).toBe(false);
    await using before = await withOrders(sink, orders, [one]);
    expect(await sink.forget!(shard, signal)).toBe(true);
    expect(await sink.forget!(shard, signal)).toBe(false);
    await before.write(batch(2, (rows) => rows.insert(orders, two)));
    await expect(before.commit(checkpointAt(2))).rejects.toMatchObject({ code: 'WEIR_DUCKDB_FENCED' });
    await using after = await openSession(sink);
    expect(await after.recover()).toBeNull();
    expect(await ask(sink, all)).toHaveLength(1);
    await after.write(emptyBatch(null, [{ table: orders, change: 'create' }]));
    await after.commit(checkpointAt(3));
    expect(await ask(sink, all)).toEqual([]);
  });
});
