import { describe, expect, it } from 'vitest';
import type { Table } from '@weir/sdk';
import { describeWithServices, service } from '@weir/testkit/services';
import { batch, checkpointAt, column, openSession, ordersTable, scanned, withOrders } from '@weir/testkit/orders';
import { TestDatabases, makeSink } from './testing/test-databases.ts';

const servers = [service('mysql'), service('mariadb')];
const signal = new AbortController().signal;
const orders = ordersTable();
const order = { id: 1, note: 'one', amount: '1.00' };

await describeWithServices('a server', servers, () => {
  describe.each(servers)('$title', (server) => {
    it('that root writes to is found fit, and nothing is changed', async () => {
      await using databases = new TestDatabases(server.url);
      const results = await databases.sink().check(signal);
      expect(results.filter(({ level }) => level === 'error')).toEqual([]);
      expect(results.map(({ code }) => code)).toEqual([
        'WEIR_MYSQL_VERSION',
        'WEIR_MYSQL_READ_ONLY',
        'WEIR_MYSQL_GRANT',
        'WEIR_MYSQL_ENGINE',
        'WEIR_MYSQL_BINLOG',
        'MYSQL_DURABILITY',
        'MYSQL_PACKET',
        'MYSQL_TLS',
      ]);
      expect(await databases.sql(`SELECT 1 FROM information_schema.schemata WHERE schema_name = '${databases.name}'`)).toEqual([]);
    });

    it('gives a user what it lacks by the statement that check prints; then it can write', async () => {
      await using databases = new TestDatabases(server.url);
      const user = await databases.user();
      const sink = makeSink(user.url, { target: { schema: databases.schema('{schema}'), table: '{table}' } });
      const missing = (await sink.check(signal)).find(({ code }) => code === 'WEIR_MYSQL_GRANT');
      expect(missing).toMatchObject({ level: 'error', path: 'url' });
      await databases.sql(missing!.fix!.split(';')[0]!);
      expect((await sink.check(signal)).filter(({ level }) => level === 'error')).toEqual([]);
      await using _ = await withOrders(sink, orders, [order]);
      expect(await scanned(sink, orders)).toEqual([['1', 'one', '1.00']]);
    });

    it('says what stands against connecting, without the password (invariant 10)', async () => {
      const at = (change: (url: URL) => void): string => {
        const url = new URL(server.url);
        change(url);
        return url.href;
      };
      for (const [url, code] of [
        [at((each) => (each.password = 'swordfish')), 'WEIR_MYSQL_AUTH'],
        [at((each) => (each.port = '1')), 'WEIR_MYSQL_CONNECT'],
      ] as const) {
        const results = await makeSink(url).check(signal);
        expect(results).toMatchObject([{ code, level: 'error', path: 'url' }]);
        expect(JSON.stringify(results)).not.toContain('swordfish');
      }
    });

    it('is spoken to in TLS where that is asked for, and not believed without its authority', async () => {
      await using databases = new TestDatabases(server.url);
      const encrypted = (await makeSink(databases.url, {}, { tls: 'require' }).check(signal)).at(-1);
      expect(encrypted).toMatchObject({ code: 'MYSQL_TLS', level: 'warning', message: expect.stringContaining('TLSv1') as string });
      const [refused] = await makeSink(databases.url, {}, { tls: 'verify-full' }).check(signal);
      expect(refused).toMatchObject({ code: 'WEIR_MYSQL_TLS', level: 'error', path: 'tls' });
    });

    it('answers a query that only reads, up to a limit', async () => {
      await using databases = new TestDatabases(server.url);
      const ask = async (sql: string, limit = 10) => await databases.sink().query!(sql, limit, signal);
      expect(await ask("SELECT 1 AS id, NULL AS nothing, 1.10 AS amount, x'00ff' AS b;")).toEqual({
        columns: ['id', 'nothing', 'amount', 'b'],
        rows: [['1', null, '1.10', '\\x00ff']],
        truncated: false,
      });
      const two = 'SELECT 1 AS n UNION ALL SELECT 2';
      expect(await ask(two, 1)).toMatchObject({ rows: [['1']], truncated: true });
      expect(await ask(two, 2)).toMatchObject({ rows: [['1'], ['2']], truncated: false });
      expect((await ask('SHOW DATABASES', 100)).rows.length).toBeGreaterThan(1);
      const refused = ['DROP TABLE t', 'SELECT 1; SELECT 2', "SELECT 1 INTO OUTFILE '/tmp/x'", 'COMMIT', 'SELECT nothing', ''];
      for (const sql of refused) await expect(ask(sql), sql).rejects.toMatchObject({ code: 'WEIR_API_REQUEST' });
    });
  });
});

await describeWithServices('a session', servers, () => {
  describe.each(servers)('at $title', (server) => {
    it('whose connection an administrator ends is lost, and the next one goes on (invariant 4)', async () => {
      await using databases = new TestDatabases(server.url);
      await using session = await withOrders(databases.sink(), orders, [order]);
      await session.write(batch(2, (rows) => rows.insert(orders, { ...order, id: 2 })));
      await databases.disconnect();
      await expect(session.commit(checkpointAt(2))).rejects.toMatchObject({ code: 'WEIR_MYSQL_CONNECTION_LOST' });
      await using next = await openSession(databases.sink());
      expect(await next.recover()).toEqual(checkpointAt(1));
      expect(await scanned(databases.sink(), orders)).toHaveLength(1);
    });

    it('finds that somebody changed the mirror, and commits nothing (invariant 5)', async () => {
      await using databases = new TestDatabases(server.url);
      const name = `${databases.schema()}.orders`;
      const cases: readonly (readonly [string, (rows: Parameters<Parameters<typeof batch>[1]>[0]) => unknown])[] = [
        [`DELETE FROM ${name} WHERE id = 1`, (rows) => rows.update(orders, { ...order, note: 'changed' })],
        [`DELETE FROM ${name} WHERE id = 2`, (rows) => rows.delete(orders, { id: 2 })],
        [`INSERT INTO ${name} (id) VALUES (3)`, (rows) => rows.insert(orders, { ...order, id: 3 })],
      ];
      for (const [sql, fill] of cases) {
        await using session = await withOrders(databases.sink(), orders, [order, { ...order, id: 2 }]);
        await databases.sql(sql);
        const written = session.write(batch(2, (rows) => void fill(rows))).then(() => session.commit(checkpointAt(2)));
        await expect(written, sql).rejects.toMatchObject({ code: 'WEIR_MYSQL_DIVERGED', table: 'public.orders' });
        await using next = await openSession(databases.sink());
        expect(await next.recover()).toEqual(checkpointAt(1));
      }
    });

    it('does not take a table that is in another engine, and adds to none that has another shape', async () => {
      await using databases = new TestDatabases(server.url);
      await using first = await withOrders(databases.sink(), orders, [order]);
      await first[Symbol.asyncDispose]();
      await databases.sql(`ALTER TABLE ${databases.schema()}.orders ENGINE = MyISAM`);
      const [plan] = await databases.sink().plan!([orders], signal);
      expect(plan).toMatchObject({ action: 'refuse', findings: [{ code: 'WEIR_MYSQL_ENGINE' }] });
      await using session = await openSession(databases.sink());
      await expect(session.write(batch(2, (rows) => rows.delete(orders, { id: 1 })))).rejects.toMatchObject({ code: 'WEIR_MYSQL_ENGINE' });
    });

    it('waits for a reader that keeps a table, and leaves a commit whole when it has waited too long', { timeout: 90_000 }, async () => {
      await using databases = new TestDatabases(server.url);
      await using session = await withOrders(databases.sink(), orders, [order]);
      const renamed: Table = { ...orders, version: 2, columns: [orders.columns[0]!, column('remark', { kind: 'string' }), orders.columns[2]!] };
      await databases.holding([`SELECT * FROM ${databases.schema()}.orders`], async () => {
        const change = batch(2, (rows) => {
          rows.schemaChange({ table: renamed, change: 'rename', column: 'remark', from: 'note' });
          rows.insert(renamed, { id: 2, remark: 'two', amount: null });
        });
        await session.write(change);
        await expect(session.commit(checkpointAt(2))).rejects.toMatchObject({ code: 'WEIR_MYSQL_LOCKED' });
      });
      await using next = await openSession(databases.sink());
      expect(await next.recover()).toEqual(checkpointAt(2));
      expect(await scanned(databases.sink(), renamed)).toEqual([['1', 'one', '1.00'], ['2', 'two', null]]);
    });
  });
});
