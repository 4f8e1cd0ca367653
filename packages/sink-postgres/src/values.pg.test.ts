import { describe, expect, it } from 'vitest';
import type { Column, LogicalType, Table, WeirError } from '@weir/sdk';
import { batch, checkpointAt, column, openSession, ordersTable, scanned, withOrders } from '@weir/testkit/orders';
import { TestDatabase } from './testing/test-database.ts';
import { useTestServer } from './testing/test-server.ts';

const server = useTestServer();

type Case = readonly [sourceType: string, type: LogicalType, sinkType: string, ...cells: readonly string[]];

const other = { kind: 'other' } as const;
const listOf = (of: LogicalType) => ({ kind: 'array', of }) as const;

/** Types beside those of the sink contract, with cells that must come back as they are. */
const cases: readonly Case[] = [
  ['interval', { kind: 'interval' }, 'interval', 'P1Y2M3DT4H5M6.789S', 'P-1Y-2M3DT-4H', 'PT0S', 'P-1D', 'PT-0.000001S'],
  ['jsonb', { kind: 'json' }, 'jsonb', '{"a": [1, 2], "b": 1.10}', 'null'],
  ['json', { kind: 'json' }, 'json', '{"b":1,  "b": 2}'],
  ['oid', { kind: 'uint', bits: 32 }, 'oid', '4294967295'],
  ['inet', other, 'inet', '192.168.0.1/24', '::1'],
  ['cidr', other, 'cidr', '10.0.0.0/8'],
  ['macaddr', other, 'macaddr', '08:00:2b:01:02:03'],
  ['macaddr8', other, 'macaddr8', '08:00:2b:01:02:03:04:05'],
  ['bit(3)', other, 'bit(3)', '101'],
  ['bit varying(5)', other, 'bit varying(5)', '10110', ''],
  ['bit varying', other, 'bit varying', '1'.repeat(100)],
  ['xml', other, 'xml', '<a b="c">\n</a>'],
  ['tsvector', other, 'tsvector', "'fat':2 'it''s':3"],
  ['tsquery', other, 'tsquery', "'fat' & !'cat'"],
  ['point', other, 'point', '(1.5,-2)'],
  ['line', other, 'line', '{1,-1,0}'],
  ['lseg', other, 'lseg', '[(1,2),(3,4)]'],
  ['box', other, 'box', '(3,4),(1,2)'],
  ['box[]', other, 'box[]', '{(1,1),(0,0);(2,2),(1,1)}'],
  ['path', other, 'path', '((1,2),(3,4))'],
  ['polygon', other, 'polygon', '((1,2),(3,4))'],
  ['circle', other, 'circle', '<(1,2),3>'],
  ['int4range', other, 'int4range', '[1,5)', 'empty'],
  ['numrange', other, 'numrange', '(1.1,2.20]'],
  ['tstzrange', other, 'tstzrange', '["2024-01-01 00:00:00+00",)'],
  ['datemultirange', other, 'datemultirange', '{[2024-01-01,2024-02-01)}'],
  ['pg_lsn', other, 'pg_lsn', '16/B374D848'],
  ['xid8', other, 'xid8', '18446744073709551615'],
  ['int2vector', other, 'int2vector', '1 2 3'],
  ['jsonpath', other, 'jsonpath', '$."a"[*]'],
  ['money', other, 'text', '$1,234.50', '1.234,50 €'],
  ['public.pair', other, 'text', '(1,"a,""b")'],
  ['shop.point', other, 'text', 'of somebody’s own'],
  ['numeric(5)', other, 'text', 'no modifier of that type'],
  ['mood', { kind: 'enum' }, 'text', 'it\'s "ok"'],
  ['integer[]', listOf({ kind: 'int', bits: 32 }), 'integer[]', '[]', '[1,null,-3]', '[[1,2],[3,4]]'],
  ['text[]', listOf({ kind: 'string' }), 'text[]', '["","NULL",null,"a b","q\\"\\\\,{}","\\u0009\\u000a\\u0001","ü😀"]'],
  ['boolean[]', listOf({ kind: 'bool' }), 'boolean[]', '[true,false,null]'],
  ['numeric(6,2)[]', listOf({ kind: 'decimal', precision: 6, scale: 2 }), 'numeric(6,2)[]', '[1.50,"NaN"]'],
  ['date[]', listOf({ kind: 'date' }), 'date[]', '["2024-02-29","-000043-03-15","infinity"]'],
  [
    'timestamp with time zone[]',
    listOf({ kind: 'timestamptz' }),
    'timestamp with time zone[]',
    '["2024-02-29T11:00:00.000001Z","-000043-03-15T10:00:00Z"]',
  ],
  ['time with time zone[]', listOf({ kind: 'timetz' }), 'time with time zone[]', '["12:00:00+02:00","12:00:00-05:30"]'],
  ['bytea[]', listOf({ kind: 'bytes' }), 'bytea[]', '["\\\\x00ff"]'],
  ['interval[]', listOf({ kind: 'interval' }), 'interval[]', '["P1Y2M","PT0S"]'],
  ['inet[]', listOf(other), 'inet[]', '["192.168.0.1/24",null]'],
  ['point[]', listOf(other), 'point[]', '["(1,2)"]'],
  ['pair[]', listOf(other), 'text[]', '["(1,\\"a b\\")"]'],
  ['mood[]', listOf({ kind: 'enum' }), 'text[]', '["sad","it\'s \\"ok\\""]'],
  ['jsonb[]', listOf({ kind: 'json' }), 'json', '[{"a": "x\\"y"},null,[1]]'],
  ['list[]', listOf(listOf({ kind: 'int', bits: 32 })), 'json', '[[1,2],[],null]'],
];

function tableOf(columns: readonly Column[]): Table {
  return ordersTable({ name: 'kinds', columns: [column('id', { kind: 'int', bits: 32 }), ...columns] });
}

describe('types', () => {
  const table = tableOf(cases.map(([sourceType, type], index) => column(`c${index}`, type, sourceType)));
  const most = Math.max(...cases.map(([, , , ...cells]) => cells.length));
  const rows = Array.from({ length: most }, (_, row) => {
    return [String(row), ...cases.map(([, , , ...cells]) => cells[row] ?? null)];
  });
  const values = (row: readonly (string | null)[]) =>
    Object.fromEntries(table.columns.map(({ name }, index) => [name, row[index]!]));

  it('are those of the table in the README', async () => {
    await using database = await TestDatabase.create(server.url);
    const plans = await database.sink().plan!([table], new AbortController().signal);
    expect(plans[0]!.columns.slice(1).map(({ sinkType }) => sinkType)).toEqual(cases.map(([, , sinkType]) => sinkType));
    await using _ = await withOrders(database.sink(), table, []);
    const found = await database.sql(
      `SELECT format_type(atttypid, atttypmod) FROM pg_attribute
        WHERE attrelid = 'public.kinds'::regclass AND attnum > 1 ORDER BY attnum`,
    );
    expect(found.map(([type]) => type)).toEqual(cases.map(([, , sinkType]) => sinkType));
  });

  it('give cells back with the same bytes, copied and merged (invariant 9)', async () => {
    await using database = await TestDatabase.create(server.url);
    const sink = database.sink();
    await using session = await withOrders(sink, table, rows.map(values));
    expect(await scanned(sink, table)).toEqual(rows);
    const none = Object.fromEntries(table.columns.slice(1).map(({ name }) => [name, null]));
    await session.write(batch(2, (builder) => rows.forEach((row) => builder.update(table, { ...none, id: row[0]! }))));
    await session.write(batch(3, (builder) => rows.forEach((row) => builder.update(table, values(row)))));
    await session.commit(checkpointAt(3));
    expect(await scanned(sink, table)).toEqual(rows);
  });

  it('find their rows by keys of any of them', async () => {
    const keys: readonly [LogicalType, string, string, string?][] = [
      [{ kind: 'string' }, '', 'ä "key"'],
      [{ kind: 'uuid' }, '0123abcd-4567-89ab-cdef-0123456789ab', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
      [{ kind: 'decimal', precision: null, scale: null }, '1.10', '-Infinity'],
      [{ kind: 'timestamptz' }, '2024-01-01T00:00:00.000001Z', 'infinity'],
      [{ kind: 'date' }, '-000043-03-15', '2024-02-29'],
      [{ kind: 'bytes' }, '\u0000\u0001', ''],
      [{ kind: 'bool' }, 't', 'f'],
      [{ kind: 'float', bits: 64 }, 'NaN', '1e-05'],
      [{ kind: 'interval' }, 'P1D', 'PT1H'],
      [{ kind: 'json' }, '{"a": 1}', '2', 'jsonb'],
      [other, '10.0.0.1', '::1', 'inet'],
      [listOf({ kind: 'int', bits: 32 }), '[1]', '[2]', 'integer[]'],
    ];
    await using database = await TestDatabase.create(server.url);
    const sink = database.sink();
    for (const [type, first, second, sourceType] of keys) {
      const keyed = ordersTable({ columns: [column('key', type, sourceType), column('note', { kind: 'string' })] });
      await using session = await withOrders(sink, keyed, [{ key: first, note: 'a' }, { key: second, note: 'b' }]);
      await session.write(
        batch(2, (builder) => builder.update(keyed, { key: first, note: 'changed' }).delete(keyed, { key: second })),
      );
      await session.commit(checkpointAt(2));
      expect(await database.sql('SELECT note FROM public.orders'), type.kind).toEqual([['changed']]);
    }
  });
});

describe('a value that its column cannot hold', () => {
  const wrong: readonly [LogicalType, cell: string | Uint8Array, secret: string, sourceType?: string][] = [
    [{ kind: 'int', bits: 16 }, '4242424', '4242424'],
    [{ kind: 'int', bits: 32 }, 'secret 1', 'secret'],
    [{ kind: 'decimal', precision: 4, scale: 2 }, '4242.00', '4242'],
    [{ kind: 'decimal', precision: 4, scale: 2 }, '4.242', '4.242'],
    [{ kind: 'decimal', precision: 4, scale: 2 }, 'Infinity', 'Infinity'],
    [{ kind: 'json' }, '{secret', 'secret'],
    [{ kind: 'json' }, '"secret \\u0000"', 'secret', 'jsonb'],
    [{ kind: 'string' }, Uint8Array.of(0x42, 0xff), '0xff'],
    [{ kind: 'string' }, 'secret\0', 'secret'],
    [{ kind: 'date' }, '4242-13-01', '4242'],
    [{ kind: 'timestamp' }, '294277-01-01T00:00:00', '294277'],
    [{ kind: 'uuid' }, 'secret', 'secret'],
    [other, '1011', '1011', 'bit(3)'],
    [listOf({ kind: 'int', bits: 32 }), '[[424242],[424243,424244]]', '424242'],
    [listOf({ kind: 'decimal', precision: 4, scale: 2 }), '[4.242]', '4.242'],
  ];

  it('ends in a code with table and column, and never with the value (invariant 10)', async () => {
    await using database = await TestDatabase.create(server.url);
    for (const [type, cell, secret, sourceType] of wrong) {
      const table = tableOf([column('the, column x', type, sourceType), column('the', { kind: 'string' })]);
      for (const staged of [false, true]) {
        await using session = await withOrders(database.sink(), table, [{ id: 1 }]);
        const rows = batch(2, (builder) => {
          if (staged) builder.update(table, { id: 1, 'the, column x': cell });
          else builder.insert(table, { id: 2, 'the, column x': cell });
        });
        const error = await session.write(rows).then(() => session.commit(checkpointAt(2)), (thrown: unknown) => thrown);
        const what = `${type.kind} ${secret} ${staged}`;
        expect(error, what).toMatchObject({ code: 'WEIR_PG_VALUE', table: 'public.kinds' });
        expect((error as WeirError).message, what).toContain('the, column x');
        expect(everythingOf(error as WeirError), what).not.toContain(secret);
      }
    }
  });

  it('is refused before anything of its commit is seen, and the session goes no further', async () => {
    await using database = await TestDatabase.create(server.url);
    const orders = ordersTable();
    await using session = await withOrders(database.sink(), orders, [{ id: 1, note: 'one', amount: '1.00' }]);
    const rows = batch(2, (builder) => {
      builder.insert(orders, { id: 2, note: 'two', amount: '2.00' }).insert(orders, { id: 3, amount: '12345678901.00' });
    });
    const value = { code: 'WEIR_PG_VALUE', message: 'writing public.orders: amount: a value does not fit numeric(12,2)' };
    await expect(session.write(rows)).rejects.toMatchObject(value);
    await expect(session.commit(checkpointAt(2))).rejects.toMatchObject(value);
    await using again = await openSession(database.sink());
    expect(await again.recover()).toEqual(checkpointAt(1));
    expect(await database.sql('SELECT id FROM public.orders')).toEqual([['1']]);
  });

  it('can be one that is too long for the index of a key', async () => {
    await using database = await TestDatabase.create(server.url);
    const table = ordersTable({ columns: [column('key', { kind: 'string' })] });
    await using session = await withOrders(database.sink(), table, []);
    const key = Array.from({ length: 9000 }, (_, i) => String.fromCharCode(0x4e00 + ((i * 7919) % 20_000))).join('');
    await expect(session.write(batch(2, (rows) => rows.insert(table, { key })))).rejects.toMatchObject({
      code: 'WEIR_PG_VALUE',
      table: 'public.orders',
      message: 'writing public.orders: a key is too long for the index on it',
    });
  });
});

function everythingOf(error: WeirError): string {
  return [error.message, error.stack, error.fix, JSON.stringify(error), JSON.stringify(error.cause ?? null)].join('\n');
}
