import { describe, expect, it } from 'vitest';
import { WeirError, emptyBatch, unchanged, type RowValues } from '@weir/sdk';
import { batch, checkpointAt, column, openSession, ordersTable, withOrders } from '@weir/testkit/orders';
import { TestDatabase, makeSink } from './testing/test-database.ts';
import { useTestServer } from './testing/test-server.ts';

const server = useTestServer();
const orders = ordersTable();
const one: RowValues = { id: 1, note: 'one', amount: '1.00' };
const two: RowValues = { id: 2, note: 'two', amount: '2.00' };
const three: RowValues = { id: 3, note: 'three', amount: '3.00' };
const keyOnly = (id: number): RowValues => ({ id, note: unchanged, amount: unchanged });
const all = 'SELECT * FROM public.orders ORDER BY id';

describe('a session', () => {
  it('refuses to change what somebody changed in the mirror, and says how many, not what (invariant 10)', async () => {
    await using database = await TestDatabase.create(server.url);
    const changes = [
      { sql: 'DELETE FROM public.orders WHERE id = 1', message: '1 rows to change are missing' },
      { sql: "INSERT INTO public.orders VALUES (9, 'there', 0)", message: '1 rows to insert are there already' },
    ];
    for (const { sql, message } of changes) {
      await using session = await withOrders(database.sink(), orders, [one, two]);
      await database.sql(sql);
      const before = await database.sql(all);
      await session.write(
        batch(2, (rows) => rows.update(orders, { ...one, note: 'secret' }).insert(orders, { ...one, id: 9 })),
      );
      const commit = session.commit(checkpointAt(2));
      await expect(commit).rejects.toMatchObject({
        code: 'WEIR_PG_DIVERGED',
        table: 'public.orders',
        message: expect.stringContaining(message) as string,
      });
      await expect(commit).rejects.not.toMatchObject({ message: expect.stringContaining('secret') as string });
      expect(await database.sql(all)).toEqual(before);
    }
  });

  it('refuses a row to insert that is there when it is copied straight in, too', async () => {
    await using database = await TestDatabase.create(server.url);
    await using session = await withOrders(database.sink(), orders, [one]);
    await database.sql("INSERT INTO public.orders VALUES (9, 'secret', 0)");
    const write = session.write(batch(2, (rows) => rows.insert(orders, { ...one, id: 9 })));
    const error = await write.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'WEIR_PG_DIVERGED', table: 'public.orders' });
    expect((error as WeirError).message).toBe('writing public.orders: rows to insert are there already, by orders_pkey');
  });

  it('takes the copy of a key as it is, whatever is there', async () => {
    await using database = await TestDatabase.create(server.url);
    await using session = await withOrders(database.sink(), orders, [one, two]);
    await session.write(
      batch(2, (rows) => rows.delete(orders, two).read(orders, { ...one, note: 'copied' }).read(orders, three)),
    );
    await session.commit(checkpointAt(2));
    expect(await database.sql(all)).toEqual([['1', 'copied', '1.00'], ['3', 'three', '3.00']]);
  });

  it('follows keys that are swapped directly, or all moved by one, when old images are whole', async () => {
    await using database = await TestDatabase.create(server.url);
    await using session = await withOrders(database.sink(), orders, [one, two, three]);
    const move = (from: RowValues, id: number) => [{ ...from, id }, from] as const;
    await session.write(batch(2, (rows) => rows.update(orders, ...move(one, 2)).update(orders, ...move(two, 1))));
    await session.commit(checkpointAt(2));
    expect(await database.sql(all)).toEqual([['1', 'two', '2.00'], ['2', 'one', '1.00'], ['3', 'three', '3.00']]);
    await session.write(
      batch(3, (rows) => {
        rows.update(orders, ...move({ ...two, id: 1 }, 2)).update(orders, ...move({ ...one, id: 2 }, 3));
        rows.update(orders, ...move(three, 4)).update(orders, { id: 4, note: unchanged, amount: '4.00' });
      }),
    );
    await session.commit(checkpointAt(3));
    expect(await database.sql(all)).toEqual([['2', 'two', '2.00'], ['3', 'one', '1.00'], ['4', 'three', '4.00']]);
  });

  it('moves many rows whose large cells did not come, and those that were moved before', async () => {
    await using database = await TestDatabase.create(server.url);
    const large = Array.from({ length: 50 }, (_, id) => ({ id, note: `${id} `.repeat(2000), amount: '0.00' }));
    await using session = await withOrders(database.sink(), orders, large);
    await session.write(
      batch(2, (rows) => {
        for (const { id } of large) rows.update(orders, { id: id + 100, note: unchanged, amount: '1.00' }, keyOnly(id));
        for (const { id } of large) rows.update(orders, keyOnly(id + 150), keyOnly(id + 100));
      }),
    );
    await session.commit(checkpointAt(2));
    const [row] = await database.sql(
      "SELECT count(*), min(id), max(id), bool_and(note = repeat((id - 150) || ' ', 2000)), sum(amount) FROM public.orders",
    );
    expect(row).toEqual(['50', '150', '199', 't', '50.00']);
  });

  it('keeps both rows that are swapped, also where one was changed or inserted before in the same commit', async () => {
    for (const isThere of [true, false]) {
      for (const deletes of ['hard', 'soft'] as const) {
        await using database = await TestDatabase.create(server.url);
        const changed = { ...two, note: 'changed' };
        await using session = await withOrders(database.sink({ deletes }), orders, isThere ? [one, two] : [one]);
        await session.write(batch(2, (rows) => (isThere ? rows.update(orders, changed) : rows.insert(orders, changed))));
        await session.write(
          batch(3, (rows) => rows.update(orders, { ...one, id: 2 }, one).update(orders, { ...changed, id: 1 }, changed)),
        );
        await session.commit(checkpointAt(3));
        const there = deletes === 'soft' ? ' WHERE _weir_deleted_at IS NULL' : '';
        const rows = await database.sql(`SELECT id, note FROM public.orders${there} ORDER BY id`);
        expect(rows).toEqual([['1', 'changed'], ['2', 'one']]);
      }
    }
  });

  it('refuses to give a row a key that is taken', async () => {
    await using database = await TestDatabase.create(server.url);
    for (const after of [keyOnly(2), { ...one, id: 2 }]) {
      await using session = await withOrders(database.sink(), orders, [one, two]);
      const write = session.write(batch(2, (rows) => rows.update(orders, after, keyOnly(1))));
      await expect(write.then(() => session.commit(checkpointAt(2)))).rejects.toMatchObject({ code: 'WEIR_PG_DIVERGED' });
      expect(await database.sql(all)).toHaveLength(2);
    }
  });

  it('leaves a large value that did not change where it lies', async () => {
    await using database = await TestDatabase.create(server.url);
    const note = Array.from({ length: 20_000 }, (_, i) => String.fromCharCode(33 + ((i * 7919) % 90))).join('');
    await using session = await withOrders(database.sink(), orders, [{ ...one, note }]);
    const toast = "SELECT pg_relation_size((SELECT reltoastrelid FROM pg_class WHERE oid = 'public.orders'::regclass))";
    const before = await database.sql(toast);
    for (let round = 2; round < 12; round++) {
      await session.write(batch(round, (rows) => rows.update(orders, { id: 1, note: unchanged, amount: `${round}.00` })));
      await session.commit(checkpointAt(round));
    }
    expect(await database.sql('SELECT amount, note FROM public.orders')).toEqual([['11.00', note]]);
    expect(await database.sql(toast)).toEqual(before);
  });

  it('merges more than once in a commit where it has to', async () => {
    await using database = await TestDatabase.create(server.url);
    const many = Array.from({ length: 20_000 }, (_, id) => ({ id, note: 'old', amount: '0.00' }));
    await using session = await withOrders(database.sink(), orders, many);
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
    expect(await database.sql('SELECT count(*), count(DISTINCT id), sum(amount) FROM public.orders')).toEqual([
      ['20003', '20003', '60003.00'],
    ]);
    expect(await database.sql('SELECT id, note, amount FROM public.orders WHERE id BETWEEN -3 AND 3 ORDER BY id')).toEqual([
      ['-3', 'old', '3.00'],
      ['-2', 'old', '2.00'],
      ['-1', 'old', '1.00'],
      ['0', 'old', '3.00'],
      ['1', 'round 1', '3.00'],
      ['2', 'round 2', '3.00'],
      ['3', 'round 3', '0.00'],
    ]);
  });

  it('keeps unchanged cells of tables with many columns', async () => {
    await using database = await TestDatabase.create(server.url);
    const columns = Array.from({ length: 300 }, (_, index) => column(`c ${index}`, { kind: 'int', bits: 32 }));
    const table = ordersTable({ columns, key: [64] });
    const row = Object.fromEntries(columns.map(({ name }, index) => [name, index]));
    await using session = await withOrders(database.sink(), table, [row]);
    const kept = [0, 7, 8, 63, 95, 256, 299];
    const changed = columns.map(
      ({ name }, index) => [name, kept.includes(index) ? unchanged : index === 64 ? 64 : -index] as const,
    );
    await session.write(batch(2, (rows) => rows.update(table, Object.fromEntries(changed))));
    await session.commit(checkpointAt(2));
    const expected = columns.map((_, index) => String(kept.includes(index) || index === 64 ? index : -index));
    expect(await database.sql('SELECT * FROM public.orders')).toEqual([expected]);
  });

  it('writes to more tables than it keeps open, in one commit and over commits', async () => {
    await using database = await TestDatabase.create(server.url);
    const tables = Array.from({ length: 80 }, (_, number) => ordersTable({ name: `orders ${number}` }));
    await using session = await openSession(database.sink());
    await session.write(
      batch(1, (rows) => {
        for (const table of tables) rows.schemaChange({ table, change: 'create' });
        for (const table of tables) rows.insert(table, one).update(table, { ...one, note: 'changed' });
        for (const table of tables) rows.insert(table, two);
      }),
    );
    await session.write(batch(2, (rows) => tables.forEach((table) => rows.delete(table, one))));
    await session.commit(checkpointAt(2));
    await session.write(batch(3, (rows) => tables.forEach((table) => rows.update(table, { ...two, note: 'last' }))));
    await session.commit(checkpointAt(3));
    for (const { name } of tables) {
      expect(await database.sql(`SELECT id, note FROM public."${name}"`)).toEqual([['2', 'last']]);
    }
  }, 60_000);

  it('can be disposed while it writes, twice, and takes nothing after', async () => {
    await using database = await TestDatabase.create(server.url);
    const session = await withOrders(database.sink(), orders, []);
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
    expect(await database.sql(all)).toEqual([]);
  });

  it('writes the state of a checkpoint only when it is another object', async () => {
    await using database = await TestDatabase.create(server.url);
    await using session = await openSession(database.sink());
    const state = { large: 'x'.repeat(100) };
    await session.commit(checkpointAt(1, state));
    await database.sql("UPDATE weir.checkpoint SET state = '{}'");
    await session.commit(checkpointAt(2, state));
    expect(await session.recover()).toEqual(checkpointAt(2, {}));
    await session.commit(checkpointAt(3, { ...state }));
    expect(await session.recover()).toEqual(checkpointAt(3, state));
  });

  it('commits durably, whatever the default of the server is', async () => {
    await using database = await TestDatabase.create(server.url);
    await database.sql(`ALTER DATABASE ${database.name} SET synchronous_commit = off`);
    await using session = await withOrders(database.sink(), ordersTable(), []);
    await database.sql('CREATE TABLE seen (value text)');
    await database.sql(
      `CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN INSERT INTO public.seen VALUES (current_setting('synchronous_commit')); RETURN NEW; END $$;
       CREATE TRIGGER see AFTER UPDATE ON weir.checkpoint FOR EACH ROW EXECUTE FUNCTION see();
       ALTER TABLE weir.checkpoint ENABLE ALWAYS TRIGGER see`,
    );
    await session.commit(checkpointAt(2));
    expect(await database.sql('SELECT value FROM seen')).toEqual([['on']]);
  });

  it('refuses rows that are no rows', async () => {
    await using database = await TestDatabase.create(server.url);
    const keyless = ordersTable({ name: 'keyless', key: [] });
    const wrong = [
      batch(2, (rows) => rows.insert(orders, { ...one, note: unchanged })),
      batch(2, (rows) => rows.delete(orders, two).insert(orders, { ...one, note: unchanged })),
      batch(2, (rows) => rows.update(orders, { ...one, id: null })),
      batch(2, (rows) => rows.update(orders, { ...one, id: unchanged })),
      { ...batch(2, (rows) => rows.insert(orders, one)), after: Int32Array.of(-1) },
      { ...batch(2, (rows) => rows.delete(orders, one)), before: Int32Array.of(-1) },
      batch(2, (rows) => rows.schemaChange({ table: keyless, change: 'create' }).delete(keyless, keyOnly(1))),
    ];
    for (const rows of wrong) {
      await using session = await withOrders(database.sink(), orders, [one, two]);
      await expect(session.write(rows)).rejects.toMatchObject({ code: 'WEIR_SDK_USE' });
    }
  });
});

describe('what somebody put on the mirror', () => {
  const options = `CREATE TABLE public.customers (id bigint PRIMARY KEY); INSERT INTO public.customers VALUES (1);
    ALTER TABLE public.orders ADD FOREIGN KEY (id) REFERENCES public.customers;
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'secret %', NEW.note; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON public.orders FOR EACH ROW EXECUTE FUNCTION refuse()`;

  it('is passed over where the role may switch it off: triggers and foreign keys, both ways', async () => {
    await using database = await TestDatabase.create(server.url);
    await using session = await withOrders(database.sink(), orders, [one]);
    await database.sql(`${options}; CREATE TABLE lines (id bigint REFERENCES public.orders); INSERT INTO lines VALUES (1)`);
    await session.write(batch(2, (rows) => rows.insert(orders, two).truncate(orders).insert(orders, three)));
    await session.commit(checkpointAt(2));
    expect(await database.sql(all)).toEqual([['3', 'three', '3.00']]);
  });

  it('is at work otherwise, and ends in a code without the value (invariant 10)', async () => {
    await using database = await TestDatabase.create(server.url);
    const role = await database.role();
    await database.sql(`GRANT CREATE ON DATABASE ${database.name} TO ${role.name}`);
    await database.sql(`GRANT ALL ON SCHEMA public TO ${role.name}`);
    const sink = makeSink(role.url);
    await (await withOrders(sink, orders, [one]))[Symbol.asyncDispose]();
    const checks = [
      "ALTER TABLE public.orders ADD CHECK (note <> 'secret')",
      `CREATE TABLE public.customers (id bigint PRIMARY KEY); GRANT ALL ON public.customers TO PUBLIC;
       INSERT INTO customers VALUES (1); ALTER TABLE public.orders DROP CONSTRAINT orders_note_check,
         ADD FOREIGN KEY (id) REFERENCES public.customers`,
      `ALTER TABLE public.orders DROP CONSTRAINT orders_id_fkey; ${options.slice(options.indexOf('CREATE FUNCTION'))}`,
    ];
    for (const sql of checks) {
      await database.sql(sql);
      await using session = await openSession(sink);
      const write = session.write(batch(2, (rows) => rows.insert(orders, { ...two, note: 'secret' })));
      const error: unknown = await write.then(() => session.commit(checkpointAt(2))).catch((thrown: unknown) => thrown);
      expect(error, sql).toMatchObject({ code: 'WEIR_PG_CONSTRAINT', table: 'public.orders' });
      expect((error as WeirError).message + (error as WeirError).stack).not.toContain('secret');
    }
  });
});

describe('forgetting', () => {
  const shard = { pipeline: 'shop', sink: 'warehouse', shard: 0 };
  const { signal } = new AbortController();

  it('takes the fence: a session that was open commits nothing more, and the next one starts from nothing', async () => {
    await using database = await TestDatabase.create(server.url);
    const sink = database.sink();
    expect(await sink.forget!(shard, signal)).toBe(false);
    await using before = await withOrders(sink, orders, [one]);
    expect(await sink.forget!(shard, signal)).toBe(true);
    const late = (async () => {
      await before.write(batch(2, (rows) => rows.insert(orders, two)));
      await before.commit(checkpointAt(2));
    })();
    await expect(late).rejects.toMatchObject({ code: 'WEIR_PG_FENCED' });
    await using after = await openSession(sink);
    expect(await after.recover()).toBeNull();
    expect(await database.sql(all)).toHaveLength(1);
    await after.write(emptyBatch(null, [{ table: orders, change: 'create' }]));
    await after.commit(checkpointAt(3));
    expect(await database.sql(all)).toEqual([]);
    expect(await sink.forget!(shard, signal)).toBe(true);
  });
});
