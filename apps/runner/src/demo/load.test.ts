import { temporaryPostgres, type TemporaryPostgres } from '@weir/services';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ShopLoad } from './load.ts';
import { SeededRandom } from './seeded-random.ts';
import { fillShop } from './shop.ts';
import { chooseTransaction, readExtent, shopTransactions } from './shop-transactions.ts';

const SMALL = { customers: 200, products: 50, orders: 400 };

let server: TemporaryPostgres;
let client: Client;
beforeAll(async () => {
  server = await temporaryPostgres();
  client = new Client({ connectionString: server.url });
  client.on('error', () => {});
  await client.connect();
  await fillShop(client, SMALL);
});
afterAll(async () => {
  await client.end();
  await server[Symbol.asyncDispose]();
});

async function loadUntil(load: ShopLoad, transactions: number): Promise<void> {
  load.start();
  await expect.poll(() => load.transactions, { timeout: 20_000, interval: 20 }).toBeGreaterThanOrEqual(transactions);
  await load.stop();
}

async function loadConnections(): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_stat_activity WHERE application_name = 'weir demo load'`,
  );
  return rows[0]!.count;
}

/** What test_decoding says happened since the slot was made. */
async function decodedChanges(slot: string): Promise<string> {
  const sql = 'SELECT data FROM pg_logical_slot_get_changes($1, NULL, NULL)';
  const { rows } = await client.query<{ data: string }>(sql, [slot]);
  return rows.map(({ data }) => data).join('\n');
}

describe('the load', () => {
  test('makes every kind of change', async () => {
    await client.query(`SELECT pg_create_logical_replication_slot('kinds', 'test_decoding')`);
    const load = new ShopLoad(server.url, { ratePerSecond: 2000, connections: 4, seed: 7 });
    await loadUntil(load, 1200);
    expect([...load.kinds.keys()].toSorted()).toEqual(shopTransactions.map(({ name }) => name).toSorted());
    const changes = await decodedChanges('kinds');
    for (const table of ['customers', 'orders', 'order_lines']) expect(changes).toContain(`table public.${table}: INSERT`);
    for (const table of ['customers', 'products', 'orders']) expect(changes).toContain(`table public.${table}: UPDATE`);
    for (const table of ['orders', 'order_lines']) expect(changes).toContain(`table public.${table}: DELETE`);
    expect(changes).toContain('unchanged-toast-datum');
    expect(changes).toMatch(/public\.products: UPDATE: .*description\[text]:'[0-9a-f]{32} – /);
    expect(changes).toMatch(/public\.order_lines: UPDATE: old-key: order_id\[bigint]:\d+ line\[integer]:\d+ new-tuple:/);
    expect(changes).toMatch(/public\.orders: UPDATE: .*note\[text]:null/);
    expect(changes).toContain(`note[text]:'gift 🎁'`);
  });

  test('keeps every order’s total equal to its lines', async () => {
    const { rows } = await client.query<{ wrong: number }>(`SELECT count(*)::int AS wrong FROM orders
      WHERE total <> (SELECT sum(quantity * unit_price) FROM order_lines WHERE order_id = id)`);
    expect(rows).toEqual([{ wrong: 0 }]);
  });

  test.each(shopTransactions)('$name leaves no transaction open', async (transaction) => {
    const shop = await readExtent(client);
    await client.query('DELETE FROM order_lines WHERE order_id = 1');
    await client.query(`UPDATE orders SET status = 'cancelled' WHERE id = $1`, [shop.orders]);
    const xmin = `SELECT pg_current_xact_id_if_assigned() IS NULL AS idle`;
    await transaction.run(client, new SeededRandom(3), shop);
    expect((await client.query<{ idle: boolean }>(xmin)).rows).toEqual([{ idle: true }]);
  });

  test('keeps to its rate', async () => {
    const load = new ShopLoad(server.url, { ratePerSecond: 100, connections: 4, seed: 1 });
    load.start();
    await expect.poll(() => load.transactions, { interval: 5 }).toBeGreaterThan(0);
    const [from, at] = [load.transactions, performance.now()];
    await expect.poll(() => performance.now() - at).toBeGreaterThan(1500);
    const perSecond = ((load.transactions - from) / (performance.now() - at)) * 1000;
    await load.stop();
    expect(perSecond).toBeLessThan(130);
  });

  test('never has more transactions at once than connections, however slow the server', async () => {
    const blocker = new Client({ connectionString: server.url });
    await blocker.connect();
    await blocker.query('BEGIN; LOCK TABLE customers, products, orders, order_lines');
    const load = new ShopLoad(server.url, { ratePerSecond: 1000, connections: 3, seed: 1 });
    load.start();
    await expect.poll(loadConnections).toBe(3);
    expect(load.transactions).toBe(0);
    await blocker.query('COMMIT');
    await blocker.end();
    await expect.poll(() => load.transactions).toBeGreaterThan(0);
    await load.stop();
    await expect.poll(loadConnections).toBe(0);
  });

  test('goes on after its connections were cut, and says once that it paused', async () => {
    const notes: string[] = [];
    const load = new ShopLoad(server.url, { ratePerSecond: 300, connections: 2, seed: 2, log: (line) => notes.push(line) });
    load.start();
    await expect.poll(() => load.transactions).toBeGreaterThan(10);
    await client.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'weir demo load'`);
    const cutAt = load.transactions;
    await expect.poll(() => load.transactions).toBeGreaterThan(cutAt + 50);
    await load.stop();
    expect(notes.length).toBeGreaterThan(0);
    expect(notes.length).toBeLessThan(4);
  });

  test('stops at once while no server answers', async () => {
    const reserved = createServer().listen(0, '127.0.0.1');
    await once(reserved, 'listening');
    const { port } = reserved.address() as { port: number };
    reserved.close();
    const notes: string[] = [];
    const url = `postgres://postgres:x@127.0.0.1:${port}/postgres`;
    const load = new ShopLoad(url, { connections: 2, log: (line) => notes.push(line) });
    load.start();
    await expect.poll(() => notes).toEqual([expect.stringContaining('ECONNREFUSED')]);
    // Its next try is seconds away; a stop that waited for an answer would wait for ever.
    await load.stop();
    expect(notes).toHaveLength(1);
  });

  test('the same seed chooses the same transactions', () => {
    const choices = (seed: number): string[] => {
      const random = new SeededRandom(seed);
      return Array.from({ length: 200 }, () => chooseTransaction(random).name);
    };
    expect(choices(5)).toEqual(choices(5));
    expect(choices(5)).not.toEqual(choices(6));
  });
});
