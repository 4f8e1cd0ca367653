import { RowCursor, type Batch, type Key, type Table } from '@weir/sdk';
import { query } from '@weir/mysql';
import { describeWithServices, service } from '@weir/testkit/services';
import { expect, it } from 'vitest';
import { readCatalog } from '../capture/catalog.ts';
import { shapeOf, type TableShape } from '../capture/table-shape.ts';
import { readLog } from '../testing/read-log.ts';
import { TestServer } from '../testing/test-server.ts';
import { ChunkReader } from './chunk-reader.ts';
import { RowReader, rowCells, selectedColumns } from './row-reader.ts';
import { MysqlTableReader } from '../table-reader.ts';
import { quoteTable } from './chunk-snapshot.ts';
import { keyAt } from './row-key.ts';

const { signal } = new AbortController();
const servers = [
  { server: service('mysql', { settings: { max_allowed_packet: '128M' } }), flavour: 'mysql' },
  { server: service('mariadb', { settings: { max_allowed_packet: '128M' } }), flavour: 'mariadb' },
  { server: service('mariadb', { version: '10.11', settings: { max_allowed_packet: '128M' } }), flavour: 'mariadb' },
] as const;

/** Types with values at the edges of what they hold, as SQL. */
const types: readonly (readonly [type: string, ...values: string[]])[] = [
  ['tinyint', '-128', '127', '0'],
  ['bigint unsigned', '0', '18446744073709551615'],
  ['bigint', '-9223372036854775808', '9223372036854775807'],
  ['int(10) unsigned zerofill', '0', '42', '4294967295'],
  ['mediumint', '-8388608', '8388607'],
  ['decimal(65,30)', "'-99999999999999999999999999999999999.999999999999999999999999999999'", "'-0.5'", '0'],
  ['decimal(5,0)', '99999', "'-0'"],
  ['float', '0.1', '-0e0', '3.4028234e38', '1e-45', '16777217'],
  ['double', '0.1', '1.7976931348623157e308', '5e-324', '-0e0', '1e15', '123456789012345680000'],
  ['year', '0', '1901', '2155'],
  ['bit(10)', "b'0'", "b'1000000001'"],
  ['bit(64)', "b'1111111111111111111111111111111111111111111111111111111111111111'"],
  ['date', "'0000-00-00'", "'1000-01-01'", "'9999-12-31'", "'2024-02-00'"],
  ['datetime(6)', "'0000-00-00 00:00:00'", "'9999-12-31 23:59:59.999999'", "'2024-02-29 12:00:00.500000'", "'2024-01-01'"],
  ['timestamp(3) NULL', "'1970-01-01 00:00:01.001'", "'2038-01-19 03:14:07.999'", "'0000-00-00 00:00:00'"],
  ['time(2)', "'-838:59:59.00'", "'00:00:00.01'", "'-00:00:00.50'"],
  ['char(10)', "'a '", "''", "'größte'", "'𝒳'"],
  ['varchar(20) CHARACTER SET latin1', "'äß€'", "' x '"],
  ['varchar(20) CHARACTER SET sjis', "'日本語ﾊﾝｶｸ'", "'\\\\~'"],
  ['text CHARACTER SET utf16', "'日𝒳'"],
  ['varchar(9) CHARACTER SET utf8mb3', "'日本'"],
  ['binary(4)', "x'00ff'", "x'20202020'"],
  ['varbinary(9)', "x'00ff00'", "''"],
  ['blob', "x'000102fbfcfdfeff'", "REPEAT('x', 251)", "REPEAT('y', 65535)"],
  ['mediumblob', "REPEAT('z', 65536)"],
  ["enum('a','it''s','ü')", "'it''s'", "'ü'"],
  ["set('a','b','c')", "''", "'c,a'"],
  ['json', `'{"a": [1, 2.5, null, "ü"], "b": {}}'`, "'[]'", `'"x"'`, "'1e100'"],
  ['geometry', "ST_GeomFromText('POINT(1 2)', 4326)", "ST_GeomFromText('LINESTRING(0 0,1 1)')"],
];
const ownTypes: Readonly<Record<string, typeof types>> = {
  mysql: [['vector(2)', "TO_VECTOR('[1,-2.5]')"]],
  mariadb: [
    ['uuid', "'123e4567-e89b-12d3-a456-426614174000'"],
    ['inet6', "'2001:db8::1'", "'::ffff:1.2.3.4'"],
    ['inet4', "'255.0.0.1'"],
    ['year(2)', '1999', '2005'],
  ],
};

async function shapesOf(at: TestServer): Promise<TableShape[]> {
  const reader = await RowReader.open(at.config, 'mysql', signal).catch(async () => await RowReader.open(at.config, 'mariadb', signal));
  await using _ = reader;
  return (await readCatalog(reader.client, [`${at.name}.*`])).map((table) => shapeOf(table, 'null'));
}

function textsOf(batch: Batch, table: Table): string[] {
  return Array.from(new RowCursor(batch), ({ after }) => table.columns.map((_column, column) => (after.isNull(column) ? 'NULL' : Buffer.from(after.bytes(column)!).toString())).join('|'));
}

async function readAll(reader: RowReader, { table }: TableShape, order = ''): Promise<string[]> {
  const rows: string[] = [];
  const take = (batch: Batch): boolean => {
    rows.push(...textsOf(batch, table));
    batch.release();
    return true;
  };
  expect(await reader.read(`SELECT ${selectedColumns(table)} FROM ${quoteTable(table)}${order}`, rowCells(table, 'null'), take, signal)).toBe(true);
  return rows;
}

for (const { server, flavour } of servers) {
  await describeWithServices(`rows of ${server.title}`, [server], () => {
    it('are the cells of the log, for every type (invariant 9)', async () => {
      await using at = await TestServer.with(server, "SET GLOBAL time_zone = '+00:00'");
      const all = [...types, ...ownTypes[flavour]!];
      const loose = "SET SESSION sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'";
      await at.sql(loose, ...all.map(([type], index) => `CREATE TABLE t${String(index).padStart(2, '0')} (id int PRIMARY KEY, v ${type})`));
      const { gtids } = await at.log();
      const inserts = all.flatMap(([, ...values], index) =>
        [...values, 'NULL'].map((value, id) => `INSERT INTO t${String(index).padStart(2, '0')} VALUES (${id}, ${value})`),
      );
      await at.sql(loose, ...inserts);
      const { rows: logged } = await readLog({ config: at.config, flavour, start: gtids!, database: at.name }, (read) => read.rows.length >= inserts.length);
      await using reader = await RowReader.open(at.config, flavour, signal);
      const read: string[] = [];
      for (const shape of await shapesOf(at)) read.push(...(await readAll(reader, shape, ' ORDER BY id')).map((row) => `${shape.table.name} insert ${row}`));
      expect(read).toEqual(logged);
    });

    it('that are no day of the calendar are text or an error where that was asked for, and always an error in a key', async () => {
      await using at = await TestServer.with(server, 'CREATE TABLE t (v date, k date NOT NULL)');
      await at.sql("SET SESSION sql_mode = ''", "INSERT INTO t VALUES ('0000-00-00', '2024-01-01'), ('2024-01-01', '0000-00-00')");
      const [{ table } = null as never] = await shapesOf(at);
      const read = async (each: Table, zeroDates: 'null' | 'error' | 'text', where = ''): Promise<string[]> => {
        const rows: string[] = [];
        await using own = await RowReader.open(at.config, flavour, signal);
        const take = (batch: Batch): boolean => rows.push(...textsOf(batch, each)) > 0;
        await own.read(`SELECT ${selectedColumns(each)} FROM ${quoteTable(each)}${where}`, rowCells(each, zeroDates), take, signal);
        return rows;
      };
      expect(await read(table, 'null')).toEqual(['NULL|2024-01-01', '2024-01-01|NULL']);
      expect(await read(table, 'text')).toEqual(['0000-00-00|2024-01-01', '2024-01-01|0000-00-00']);
      await expect(read(table, 'error')).rejects.toMatchObject({ code: 'WEIR_BINLOG_ZERO_DATE' });
      const keyed = { ...table, key: [1] };
      expect(await read(keyed, 'null', " WHERE k > '2000-01-01'")).toEqual(['NULL|2024-01-01']);
      await expect(read(keyed, 'null')).rejects.toMatchObject({ code: 'WEIR_BINLOG_ZERO_DATE' });
    });

    it('may be of 32 MB', async () => {
      await using at = await TestServer.with(server, 'CREATE TABLE t (id int PRIMARY KEY, v longblob, w text)', "INSERT INTO t VALUES (1, REPEAT('ab', 16 << 20), 'end'), (2, 'x', 'y')");
      await using reader = await RowReader.open(at.config, flavour, signal);
      const [shape] = await shapesOf(at);
      expect((await readAll(reader, shape!, ' ORDER BY id')).map((row) => `${row.length} ${row.slice(-3)}`)).toEqual([`${(32 << 20) + 6} end`, '5 x|y']);
      expect(await query(reader.client, 'SELECT 1')).toEqual([['1']]);
    });

    it('come as fast as they are taken, and end with the signal or an error of the server', async () => {
      await using at = await TestServer.with(server, 'CREATE TABLE t (id int PRIMARY KEY, v varchar(200))');
      const values = Array.from({ length: 2000 }, (_, row) => `(${row}, REPEAT('x', 200))`).join(',');
      await at.sql(`INSERT INTO t VALUES ${values}`, ...Array.from({ length: 4 }, (_, turn) => `INSERT INTO t SELECT id + ${2000 << turn}, v FROM t`));
      await using reader = await RowReader.open(at.config, flavour, signal);
      const [shape] = await shapesOf(at);
      const { table } = shape!;
      const sql = `SELECT ${selectedColumns(table)} FROM ${quoteTable(table)} ORDER BY id`;
      let most = 0;
      let taken = 0;
      let running = 0;
      await reader.read(sql, rowCells(table, 'null'), async (batch) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        taken += batch.rows;
        batch.release();
        running--;
        return true;
      }, signal);
      expect([most, taken]).toEqual([1, 32_000]);
      await expect(reader.read('SELECT nothing FROM nowhere', rowCells(table, 'null'), () => true, signal)).rejects.toMatchObject({ code: 'WEIR_MYSQL_QUERY' });
      await using second = await RowReader.open(at.config, flavour, signal);
      const ending = new AbortController();
      const reading = second.read(sql, rowCells(table, 'null'), (batch) => {
        batch.release();
        ending.abort(new Error('enough'));
        return true;
      }, ending.signal);
      await expect(reading).rejects.toThrow('enough');
    });
  });

  await describeWithServices(`chunks of large rows of ${server.title}`, [server], () => {
    it('end where they have enough, and go on there', async () => {
      await using at = await TestServer.with(server, 'CREATE TABLE t (id int PRIMARY KEY, v longblob)', ...[1, 2, 3, 4, 5, 6].map((id) => `INSERT INTO t VALUES (${id}, REPEAT('ab', ${id * 3} << 19))`));
      const { end, gtids, server: identity } = await at.log();
      const place = { end, reached: end, gtids: flavour === 'mysql' ? (gtids as never) : null };
      await using reader = new ChunkReader({ config: at.config, flavour, server: identity, zeroDates: 'null', isLocking: false });
      const [shape] = await shapesOf(at);
      const chunks: string[] = [];
      let after: Key | null = null;
      for (let isRest = false; !isRest; ) {
        const chunk = await reader.read(shape!, after, 100, place, signal);
        chunks.push(chunk!.batches.flatMap((batch) => Array.from({ length: batch.rows }, (_, row) => keyAt(batch, shape!.table, row)![0])).join());
        after = chunk!.rows === 0 ? after : keyAt(chunk!.batches.at(-1)!, shape!.table, chunk!.batches.at(-1)!.rows - 1);
        for (const batch of chunk!.batches) batch.release();
        ({ isRest } = chunk!);
      }
      expect(chunks.join().replace(/,$/u, '')).toBe('1,2,3,4,5,6');
      expect(chunks.length).toBeGreaterThan(2);
    });
  });

  await describeWithServices(`scans of ${server.title}`, [server], () => {
    it('go over one connection, and over a new one where it was lost or a scan was left', async () => {
      await using at = await TestServer.with(server, 'CREATE TABLE a (id int PRIMARY KEY)', 'INSERT INTO a VALUES (1), (2)', 'CREATE TABLE b (v varchar(9))', "INSERT INTO b VALUES ('x'), (NULL)");
      const [a, b] = await shapesOf(at);
      await using reader = new MysqlTableReader(at.config, flavour, 'null');
      const scan = async ({ table }: TableShape): Promise<string[]> => {
        const rows: string[] = [];
        for await (const batch of reader.scan(table, signal)) {
          rows.push(...textsOf(batch, table));
          batch.release();
        }
        return rows;
      };
      const connections = async (): Promise<string[]> =>
        (await at.sql(`SELECT id FROM information_schema.processlist WHERE db = '${at.name}' AND id <> CONNECTION_ID()`)).map(([id]) => id!);
      expect(await scan(a!)).toEqual(['1', '2']);
      const [first, ...others] = await connections();
      expect(others).toEqual([]);
      expect(await scan(b!)).toEqual(['x', 'NULL']);
      expect(await connections()).toEqual([first]);
      await at.sql(`KILL ${first}`);
      expect(await scan(a!)).toEqual(['1', '2']);
      for await (const batch of reader.scan(a!.table, signal)) {
        batch.release();
        break;
      }
      await at.sql('DROP TABLE b');
      await expect(scan(b!)).rejects.toMatchObject({ code: 'WEIR_MYSQL_QUERY' });
      expect(await scan(a!)).toEqual(['1', '2']);
      await reader[Symbol.asyncDispose]();
      await expect.poll(connections).toEqual([]);
    });
  });

  await describeWithServices(`chunks of ${server.title}`, [server], () => {
    it.each([
      ['k int', ['-5', '0', '7', '2147483647']],
      ['k bigint unsigned', ['0', '1', '9223372036854775808', '18446744073709551615']],
      ['k decimal(20,5)', ['-3.50000', '0.00000', '0.00001', '999999999999999.00000']],
      ['k float', ['-1.5', '0.1', '0.2', '0.3', '1e30']],
      ['k double', ['-1.5', '0.1', '0.2', '0.30000000000000004', '1e300']],
      ['k varchar(20)', ["'a'", "'B'", "'ab'", "'Zz'", "'größer'", "'it''s \\\\ back'", "''"]],
      ['k varchar(20) CHARACTER SET latin1', ["'a'", "'B'", "'ß'", "'€'", "'ÿ'"]],
      ['k varchar(20) CHARACTER SET sjis', ["'a'", "'日'", "'本'", "'ﾊ'"]],
      ['k char(5) COLLATE utf8mb4_bin', ["'a'", "'A'", "'b'", "'𝒳'"]],
      ['k varbinary(9)', ["x'00'", "x'0001'", "x'27'", "x'5c'", "x'ff'"]],
      ['k binary(3)', ["x'00'", "x'000001'", "x'ffffff'"]],
      ['k date', ["'1000-01-01'", "'2024-02-29'", "'9999-12-31'"]],
      ['k datetime(3)', ["'2024-01-01 00:00:00'", "'2024-01-01 00:00:00.001'", "'2024-01-01 00:00:00.010'"]],
      ['k timestamp(6)', ["'2001-01-01 00:00:00'", "'2001-01-01 00:00:00.000001'"]],
      ['k time(3)', ["'-838:59:59'", "'-00:00:01.5'", "'00:00:00'", "'05:03:02.5'", "'838:59:59'"]],
      ['k year', ['0', '1901', '2000', '2155']],
      ['k bit(12)', ["b'0'", "b'1'", "b'101'", "b'111111111111'"]],
      ["k enum('z','y','it''s','a')", ["'z'", "'y'", "'it''s'", "'a'"]],
      ["k set('p','q','r')", ["''", "'p'", "'q'", "'p,q'", "'r'"]],
      ["k enum('z','a'), l varchar(5)", ["'z', 'a'", "'z', 'B'", "'a', 'a'", "'a', 'b'"]],
      ['k int, l varchar(5), m date', ["1, 'a', '2024-01-01'", "1, 'a', '2024-01-02'", "1, 'B', '2024-01-01'", "2, 'a', '2024-01-01'"]],
    ])('go on behind any key: %s', async (columns, rows) => {
      const names = [...columns.matchAll(/\b([klm]) /gu)].map(([, name]) => name);
      await using at = await TestServer.with(
        server,
        `CREATE TABLE t (${columns}, v varchar(9) NOT NULL DEFAULT 'v', PRIMARY KEY (${names.join(', ')}))`,
        ...rows.map((row) => `INSERT INTO t (${names.join(', ')}) VALUES (${row})`),
      );
      const log = await at.log();
      const place = { end: log.end, reached: log.end, gtids: flavour === 'mysql' ? (log.gtids as never) : null };
      const [shape] = await shapesOf(at);
      const { table } = shape!;
      await using reader = new ChunkReader({ config: at.config, flavour, server: log.server, zeroDates: 'null', isLocking: false });
      const keys: string[] = [];
      for (let after: string[] | null = null; ; ) {
        const chunk = await reader.read(shape!, after, 1, place, signal);
        expect(chunk).not.toBeNull();
        if (chunk!.rows === 0) break;
        after = [...keyAt(chunk!.batches[0]!, table, 0)!];
        keys.push(after.join('|'));
        chunk!.batches[0]!.release();
        expect(keys.length).toBeLessThanOrEqual(rows.length);
      }
      await using all = await RowReader.open(at.config, flavour, signal);
      const expected: string[] = [];
      await all.read(
        `SELECT ${selectedColumns(table)} FROM ${quoteTable(table)} ORDER BY ${names.join(', ')}`,
        rowCells(table, 'null'),
        (batch) => {
          for (let row = 0; row < batch.rows; row++) expected.push(keyAt(batch, table, row)!.join('|'));
          batch.release();
          return true;
        },
        signal,
      );
      expect(keys).toEqual(expected);
      expect(keys).toHaveLength(rows.length);
    });
  });
}
