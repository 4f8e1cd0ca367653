import { temporaryPostgres, type TemporaryPostgres } from '@weir/services';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEMO_SIZE, fillShop, isShopFilled } from './shop.ts';

const SMALL = { customers: 200, products: 50, orders: 400 };
const TABLES = ['customers', 'products', 'orders', 'order_lines'];

let server: TemporaryPostgres;
beforeAll(async () => {
  server = await temporaryPostgres();
});
afterAll(() => server[Symbol.asyncDispose]());

/** A database of its own in the server. */
async function newDatabase(name: string): Promise<Client & AsyncDisposable> {
  const admin = new Client({ connectionString: server.url });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  await admin.end();
  return connect(name);
}

async function connect(database: string): Promise<Client & AsyncDisposable> {
  const client = new Client({ connectionString: server.url.replace(/postgres$/, database) });
  client.on('error', () => {});
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

async function one<T>(client: Client, sql: string): Promise<T> {
  const { rows } = await client.query<{ value: T }>(sql);
  return rows[0]!.value;
}

async function contents(client: Client): Promise<string[]> {
  const hashes = [];
  for (const table of TABLES) {
    const sql = `SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) AS value FROM ${table} AS t`;
    hashes.push(await one<string>(client, sql));
  }
  return hashes;
}

describe('the shop', () => {
  test('has about 200,000 rows, with every reference kept', async () => {
    await using client = await newDatabase('whole');
    expect(await fillShop(client)).toBe(true);
    const counts = [];
    for (const table of TABLES) counts.push(await one<number>(client, `SELECT count(*)::int AS value FROM ${table}`));
    const [customers, products, orders, lines] = counts as [number, number, number, number];
    expect({ customers, products, orders }).toEqual(DEMO_SIZE);
    expect(customers + products + orders + lines).toBeGreaterThan(195_000);
    expect(customers + products + orders + lines).toBeLessThan(210_000);
    const wrongTotals = `SELECT count(*)::int AS value FROM orders
      WHERE total <> (SELECT sum(quantity * unit_price) FROM order_lines WHERE order_id = id)`;
    expect(await one(client, wrongTotals)).toBe(0);
  });

  test('is filled once: a second fill changes nothing, nor does a change of a customer undo it', async () => {
    await using client = await newDatabase('once');
    await fillShop(client, SMALL);
    await client.query(`UPDATE customers SET name = 'changed' WHERE id = 1`);
    expect(await fillShop(client, SMALL)).toBe(false);
    expect(await one(client, `SELECT name AS value FROM customers WHERE id = 1`)).toBe('changed');
  });

  test('is the same every time', async () => {
    await using first = await newDatabase('same_a');
    await using second = await newDatabase('same_b');
    await fillShop(first, SMALL);
    await fillShop(second, SMALL);
    expect(await contents(first)).toEqual(await contents(second));
  });

  test('an interrupted fill leaves nothing and is done again', async () => {
    await using witness = await newDatabase('interrupted');
    const filler = await connect('interrupted');
    const interrupted = fillShop(filler).catch((error: unknown) => error);
    const filling = `SELECT count(*)::int AS value FROM pg_stat_activity
      WHERE datname = 'interrupted' AND state = 'active' AND query ~ '^INSERT INTO (products|orders)'`;
    await expect.poll(() => one(witness, filling), { interval: 5 }).toBe(1);
    await witness.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = 'interrupted' AND pid <> pg_backend_pid() AND backend_type = 'client backend'`);
    expect(await interrupted).toBeInstanceOf(Error);
    expect(await isShopFilled(witness)).toBe(false);
    expect(await one(witness, `SELECT to_regclass('public.customers')::text AS value`)).toBe(null);
    expect(await fillShop(witness, SMALL)).toBe(true);
    expect(await isShopFilled(witness)).toBe(true);
  });

  test('two fills at once make one shop', async () => {
    await using first = await newDatabase('twice');
    await using second = await connect('twice');
    const filled = await Promise.all([fillShop(first, SMALL), fillShop(second, SMALL)]);
    expect(new Set(filled)).toEqual(new Set([true, false]));
  });

  test('has the shapes that a copy may get wrong', async () => {
    await using client = await newDatabase('shapes');
    await fillShop(client, SMALL);
    const outOfLine = `SELECT count(*)::int AS value FROM products
      WHERE pg_column_toast_chunk_id(description) IS NOT NULL AND pg_column_compression(description) IS NULL`;
    expect(await one(client, outOfLine)).toBe(SMALL.products);
    const shapes = [
      'orders WHERE note IS NULL',
      `orders WHERE note = ''`,
      'orders WHERE shipped_on IS NULL',
      `customers WHERE name ~ '[^[:ascii:]]'`,
      'order_lines WHERE line > 1',
    ];
    for (const rows of shapes) {
      expect(await one<number>(client, `SELECT count(*)::int AS value FROM ${rows}`), rows).toBeGreaterThan(0);
    }
    expect(await one(client, 'SELECT count(DISTINCT status)::int AS value FROM orders')).toBe(5);
  });
});
