import { describe, expect, it } from 'vitest';
import type { Column, LogicalType, Table, WeirError } from '@weir/sdk';
import { describeWithServices, service } from '@weir/testkit/services';
import { batch, checkpointAt, column, openSession, ordersTable, scanned, withOrders } from '@weir/testkit/orders';
import { TestDatabases } from './testing/test-databases.ts';

const servers = [service('mysql'), service('mariadb')];
const signal = new AbortController().signal;

/** What MySQL has no value for. */
const beyond: readonly (readonly [string, LogicalType, string])[] = [
  ['f32', { kind: 'float', bits: 32 }, 'Infinity'],
  ['f64', { kind: 'float', bits: 64 }, '-Infinity'],
  ['d', { kind: 'date' }, '-000043-03-15'],
  ['d2', { kind: 'date' }, '-infinity'],
  ['ts', { kind: 'timestamp' }, '294246-12-31T23:59:59.999999'],
  ['tz', { kind: 'timestamptz' }, '0999-12-31T23:59:59Z'],
];

function kinds(...columns: readonly Column[]): Table {
  return ordersTable({ name: 'kinds', columns: [column('id', { kind: 'int', bits: 32 }), ...columns] });
}

await describeWithServices('values', servers, () => {
  describe.each(servers)('at $title', (server) => {
    it.each(beyond)('that MySQL has none for are refused, with the column and not the value: %s', async (name, type, cell) => {
      await using databases = new TestDatabases(server.url);
      const table = kinds(column(name, type));
      const failure = withOrders(databases.sink(), table, [{ id: 1, [name]: cell }]);
      await expect(failure).rejects.toMatchObject({
        code: 'WEIR_MYSQL_VALUE',
        table: 'public.kinds',
        message: expect.stringContaining(`kinds.${name}`) as string,
      });
      await expect(failure).rejects.not.toThrow(cell);
    });

    it('and have a place in columns that are kept as text, to their last character (invariant 9)', async () => {
      await using databases = new TestDatabases(server.url);
      const table = kinds(...beyond.map(([name, type]) => column(name, type)));
      const sink = databases.sink({}, { as_text: ['public.kinds.[df]*', '*.kinds.t*'] });
      const cells = beyond.map(([name, , cell]) => [name, cell] as const);
      const asked = databases.sink({}, { as_text: ['public.kinds.d*', 'public.kinds.f*', '*.kinds.t*'] });
      await expect(withOrders(sink, table, [{ id: 1, ...Object.fromEntries(cells) }])).rejects.toMatchObject({ code: 'WEIR_MYSQL_VALUE' });
      await using _ = await withOrders(asked, table, [{ id: 1, ...Object.fromEntries(cells) }]);
      expect(await scanned(asked, table)).toEqual([['1', ...cells.map(([, cell]) => cell)]]);
    });

    it('of a negative zero are there at MySQL; MariaDB has none, so it is refused', async () => {
      await using databases = new TestDatabases(server.url);
      const table = kinds(column('f32', { kind: 'float', bits: 32 }), column('f64', { kind: 'float', bits: 64 }));
      const written = withOrders(databases.sink(), table, [{ id: 1, f32: '-0', f64: '-0' }]);
      const found = written.then(() => scanned(databases.sink(), table)).catch((error: unknown) => (error as WeirError).code);
      const [version] = await databases.sql('SELECT VERSION()');
      expect(await found).toEqual(/mariadb/i.test(version![0]!) ? 'WEIR_MYSQL_VALUE' : [['1', '-0', '-0']]);
    });

    it('that would be cut or rounded are refused (invariant 9)', async () => {
      const cases: readonly (readonly [LogicalType, string])[] = [
        [{ kind: 'int', bits: 8 }, '128'],
        [{ kind: 'uint', bits: 32 }, '-1'],
        [{ kind: 'decimal', precision: 4, scale: 2 }, '100.00'],
        [{ kind: 'decimal', precision: 4, scale: 2 }, '0.001'],
        [{ kind: 'decimal', precision: 4, scale: 2 }, 'NaN'],
        [{ kind: 'uuid' }, 'more than thirty-six characters of ASCII'],
        [{ kind: 'time' }, 'noon'],
      ];
      await using databases = new TestDatabases(server.url);
      for (const [type, cell] of cases) {
        const failure = withOrders(databases.sink(), kinds(column('value', type)), [{ id: 1, value: cell }]);
        await expect(failure, cell).rejects.toMatchObject({ code: 'WEIR_MYSQL_VALUE' });
        await expect(failure).rejects.not.toThrow(cell);
      }
    });

    it('of a key that are longer than an index takes are refused', async () => {
      await using databases = new TestDatabases(server.url);
      const table = ordersTable({ key: [1] });
      await using session = await withOrders(databases.sink(), table, [{ id: 1, note: 'ü'.repeat(768), amount: '1.00' }]);
      expect(await scanned(databases.sink(), table)).toEqual([['1', 'ü'.repeat(768), '1.00']]);
      const late = batch(2, (rows) => rows.insert(table, { id: 2, note: 'x'.repeat(769), amount: null }));
      await expect(session.write(late)).rejects.toMatchObject({ code: 'WEIR_MYSQL_VALUE' });
    });

    it('of a key differ by case, by accents and by a space at the end', async () => {
      await using databases = new TestDatabases(server.url);
      const table = ordersTable({ key: [1] });
      const notes = ['a', 'A', 'ä', 'a ', 'a\t', ''];
      await using session = await withOrders(databases.sink(), table, notes.map((note, id) => ({ id, note, amount: null })));
      await session.write(batch(2, (rows) => rows.delete(table, { id: 3, note: 'a ', amount: null })));
      await session.commit(checkpointAt(2));
      expect((await scanned(databases.sink(), table)).map(([, note]) => note)).toEqual(notes.filter((note) => note !== 'a '));
    });

    it('of 32 MB come back whole where the server takes such packets, and are refused where it does not', async () => {
      await using databases = new TestDatabases(server.url);
      const table = kinds(column('raw', { kind: 'bytes' }));
      const raw = new Uint8Array(32 << 20).map((_, index) => (index % 251) + 1);
      const write = async (packetBytes: number): Promise<void> => {
        await databases.sql(`SET GLOBAL max_allowed_packet = ${packetBytes}`);
        await using session = await openSession(databases.sink());
        await session.write(batch(1, (rows) => rows.schemaChange({ table, change: 'create' }).insert(table, { id: 1, raw })));
        await session.commit(checkpointAt(1));
      };
      await expect(write(16 << 20)).rejects.toMatchObject({ code: 'WEIR_MYSQL_PACKET' });
      await write(64 << 20);
      for await (const found of databases.sink().scan!(table, signal)) {
        const cell = found.after[0]! + 1;
        expect(Buffer.compare(found.data.subarray(found.start[cell], found.start[cell]! + found.length[cell]!), raw)).toBe(0);
        found.release();
      }
    });
  });
});
