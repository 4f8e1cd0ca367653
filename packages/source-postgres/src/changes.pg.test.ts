import type { Change } from '@weir/sdk';
import { describe, expect, test } from 'vitest';
import { postgres } from './postgres.ts';
import { TestDatabase } from './testing/test-database.ts';
import { useTestServer } from './testing/test-server.ts';

const server = useTestServer();

interface Order {
  id: bigint;
  customer: string;
  total: string | null;
}
type Shop = Record<'public.orders', Order>;

async function shop(): Promise<TestDatabase> {
  const database = await TestDatabase.create(server.url);
  await database.sql(`CREATE TABLE orders (id bigint PRIMARY KEY, customer text NOT NULL, total numeric(12, 2));
                      INSERT INTO orders VALUES (9007199254740993, 'ada', 1.50), (2, 'bob', NULL)`);
  return database;
}

function sourceOf(database: TestDatabase): ReturnType<typeof postgres> {
  return postgres({ url: database.url, tables: ['public.orders'] }, { pipeline: database.name });
}

function isWithin({ after, upTo }: Change<Shop> & { op: 'range' }, id: bigint): boolean {
  return (after === null || id > after.id!) && (upTo === null || id <= upTo.id!);
}

/** An application's own table, changed together with the token: what it would have committed. */
class Application {
  readonly orders = new Map<bigint, Order>();
  token: string | null = null;
  readonly seen: string[] = [];

  apply(change: Change<Shop>): void {
    this.seen.push(change.op);
    switch (change.op) {
      case 'schema':
        if (change.change.change === 'create') this.orders.clear();
        break;
      case 'insert':
        if (this.orders.has(change.after.id)) throw new Error('a row came twice');
        this.orders.set(change.after.id, change.after);
        break;
      case 'range':
        for (const id of this.orders.keys()) if (isWithin(change, id)) this.orders.delete(id);
        break;
      case 'read':
        this.orders.set(change.after.id, change.after);
        break;
      case 'update':
        this.orders.delete(change.before?.id ?? change.after.id!);
        this.orders.set(change.after.id!, change.after as Order);
        break;
      case 'delete':
        if (!this.orders.delete(change.before.id!)) throw new Error('a row that is not there was deleted');
        break;
      case 'truncate':
        this.orders.clear();
        break;
      case 'checkpoint':
        break;
    }
    this.token = change.token;
  }
}

/** Applies changes until `done`, storing the token of each; confirms each when asked. */
async function follow(
  database: TestDatabase,
  application: Application,
  done: (application: Application) => boolean,
  confirm = true,
): Promise<void> {
  await using changes = sourceOf(database).changes<Shop>({ from: application.token });
  for await (const change of changes) {
    application.apply(change);
    if (confirm) await changes.confirm(change.token);
    if (done(application)) return;
  }
}

async function expectEqual(database: TestDatabase, { orders }: Application): Promise<void> {
  const rows = await database.sql('SELECT id::text, customer, total::text FROM orders ORDER BY 1');
  const held = [...orders.values()].map(({ id, ...rest }) => ({ id: String(id), ...rest }));
  expect(held.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual(rows);
}

describe('source.changes()', () => {
  test('copies, then streams typed rows; a start behind any change goes on with exactly the rest (invariant 4)', async () => {
    await using database = await shop();
    const application = new Application();
    await follow(database, application, ({ seen }) => seen.length === 4);
    expect(application.seen).toEqual(['schema', 'range', 'read', 'read']);
    expect([...application.orders.values()]).toContainEqual({ id: 9007199254740993n, customer: 'ada', total: '1.50' });

    await database.sql(`BEGIN; INSERT INTO orders SELECT i, 'c' || i, i FROM generate_series(10, 14) i;
                        UPDATE orders SET total = 7 WHERE id = 2; UPDATE orders SET id = 3 WHERE id = 2; COMMIT`);
    await database.sql('DELETE FROM orders WHERE id = 10');
    // One change at a time, each with a new start: also in the middle of a transaction.
    for (let change = 1; change <= 8; change++) {
      const before = application.seen.length;
      await follow(database, application, ({ seen }) => seen.length === before + 1, false);
    }
    expect(application.seen.slice(4)).toEqual([...Array.from({ length: 5 }, () => 'insert'), 'update', 'update', 'delete']);
    await expectEqual(database, application);
  });

  test('lets the server forget what was confirmed, and nothing else (invariant 1)', async () => {
    await using database = await shop();
    const application = new Application();
    await follow(database, application, ({ seen }) => seen.length === 4);
    const sql = 'SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = $1';
    const confirmed = async (): Promise<string> => String(await database.value(sql, [database.slot]));
    const before = await confirmed();
    await database.sql("INSERT INTO orders VALUES (20, 'x', 1)");
    await follow(database, application, ({ orders }) => orders.has(20n), false);
    expect(await confirmed()).toBe(before);
    await database.sql("INSERT INTO orders VALUES (21, 'y', 1)");
    await follow(database, application, ({ orders }) => orders.has(21n));
    expect(await confirmed()).not.toBe(before);
    await expectEqual(database, application);
  });

  test('a TRUNCATE is a change too', async () => {
    await using database = await shop();
    const application = new Application();
    await follow(database, application, ({ seen }) => seen.length === 4);
    await database.sql('TRUNCATE orders');
    await database.sql("INSERT INTO orders VALUES (1, 'z', NULL)");
    await follow(database, application, ({ orders }) => orders.has(1n));
    expect(application.seen.slice(4)).toEqual(['truncate', 'insert']);
    await expectEqual(database, application);
  });
});
