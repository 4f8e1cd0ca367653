import { describe, expect, test } from 'vitest';
import { tellStory } from '../testing/schema-story.ts';
import { useTestServer } from '../testing/test-server.ts';

const server = useTestServer();

const orders = "CREATE TABLE orders (id int PRIMARY KEY, note text); INSERT INTO orders VALUES (1, 'a'), (2, 'b')";

describe('a column is added', { timeout: 120_000 }, () => {
  test('without a default', async () => {
    const { live, late } = await tellStory(server, {
      before: orders,
      statements: ['ALTER TABLE orders ADD extra int', 'INSERT INTO orders VALUES (3, NULL, 7); UPDATE orders SET extra = 1 WHERE id = 1'],
    });
    expect(live).toEqual(['public.orders add extra = null']);
    expect(late).toEqual(live);
  });

  test('with constant defaults, which rows that are there get', async () => {
    const { live, late } = await tellStory(server, {
      before: orders,
      statements: [
        `ALTER TABLE orders ADD n int NOT NULL DEFAULT 7, ADD t text DEFAULT 'a "quoted", \\text{}',
           ADD at timestamptz DEFAULT '2024-02-29 12:30:00+02', ADD l text[] DEFAULT '{a,NULL,"b c"}', ADD b bytea DEFAULT '\\x00ff'`,
        "INSERT INTO orders VALUES (3, 'c'); UPDATE orders SET n = 8 WHERE id = 1",
        "ALTER TABLE orders ALTER n SET DEFAULT 9; INSERT INTO orders VALUES (4, 'd')",
      ],
    });
    expect(live).toEqual([
      'public.orders add n = 7',
      'public.orders add t = a "quoted", \\text{}',
      'public.orders add at = 2024-02-29T10:30:00Z',
      'public.orders add l = ["a",null,"b c"]',
      'public.orders add b = \u0000ÿ',
    ]);
    expect(late).toEqual(live);
  });

  test('with a volatile default: the table is rewritten, so it is copied again', async () => {
    const { live, late } = await tellStory(server, {
      before: orders,
      statements: ['ALTER TABLE orders ADD token uuid DEFAULT gen_random_uuid()', "INSERT INTO orders VALUES (3, 'c')"],
    });
    expect(live).toEqual(['public.orders create again']);
    expect(late).toEqual(live);
  });

  test('and the table is rewritten before anything tells the default', async () => {
    const { resumed } = await tellStory(server, {
      before: orders,
      statements: ['ALTER TABLE orders ADD extra int DEFAULT 7', 'VACUUM FULL orders', "INSERT INTO orders VALUES (3, 'c')"],
    });
    expect(resumed).toBeGreaterThan(0);
  });
});

describe('a column goes', { timeout: 120_000 }, () => {
  test('by being dropped', async () => {
    const { live, late } = await tellStory(server, {
      before: orders,
      statements: ["UPDATE orders SET note = 'c' WHERE id = 1", 'ALTER TABLE orders DROP note', 'INSERT INTO orders VALUES (3)'],
    });
    expect(live).toEqual(['public.orders drop note']);
    expect(late).toEqual(live);
  });

  test('by being renamed, again and again', async () => {
    const { live } = await tellStory(server, {
      before: orders,
      statements: [
        'ALTER TABLE orders RENAME note TO remark',
        "INSERT INTO orders (id, remark) VALUES (3, 'c')",
        'ALTER TABLE orders RENAME remark TO comment',
        "INSERT INTO orders (id, comment) VALUES (4, 'd')",
      ],
    });
    expect(live).toEqual(['public.orders rename remark from note', 'public.orders rename comment from remark']);
  });

  test('to another name while the runner is down, with rows of each name', async () => {
    const { late } = await tellStory(server, {
      before: orders,
      statements: [
        'ALTER TABLE orders RENAME note TO a; INSERT INTO orders VALUES (3)',
        'ALTER TABLE orders RENAME a TO b; INSERT INTO orders VALUES (4)',
      ],
    });
    expect(late).toEqual(['public.orders rename a from note', 'public.orders rename b from a']);
  });

  test('and its name goes to another one', async () => {
    const { live, late } = await tellStory(server, {
      before: "CREATE TABLE orders (id int PRIMARY KEY, a text, b text); INSERT INTO orders VALUES (1, 'a', 'b')",
      statements: [
        `BEGIN; ALTER TABLE orders RENAME a TO c; ALTER TABLE orders RENAME b TO a; COMMIT`,
        "INSERT INTO orders (id, a, c) VALUES (2, 'x', 'y')",
      ],
    });
    expect(live).toEqual(['public.orders rename c from a', 'public.orders rename a from b']);
    expect(late).toEqual(live);
  });

  test('and two swap their names', async () => {
    const { live } = await tellStory(server, {
      before: "CREATE TABLE orders (id int PRIMARY KEY, a text, b text); INSERT INTO orders VALUES (1, 'a', 'b')",
      statements: [
        `BEGIN; ALTER TABLE orders RENAME a TO c; ALTER TABLE orders RENAME b TO a; ALTER TABLE orders RENAME c TO b; COMMIT`,
        "INSERT INTO orders (id, a, b) VALUES (2, 'x', 'y')",
      ],
    });
    expect(live).toEqual(['public.orders create again']);
  });

  test('and comes back under the same name, as another type', async () => {
    const { live, late } = await tellStory(server, {
      before: orders,
      statements: ['ALTER TABLE orders DROP note', 'ALTER TABLE orders ADD note int DEFAULT 1', 'INSERT INTO orders VALUES (3, 4)'],
    });
    expect(live).toEqual(['public.orders drop note', 'public.orders add note = 1']);
    expect(late).toEqual(live);
  });

  test('and comes back in the same moment, so that rows look the same', async () => {
    const { resumed } = await tellStory(server, {
      before: orders,
      statements: [
        "ALTER TABLE orders DROP note, ADD note text DEFAULT 'new'; UPDATE orders SET note = 'c' WHERE id = 1",
        "INSERT INTO orders VALUES (3, 'd')",
      ],
    });
    expect(resumed).toBeGreaterThan(0);
  });
});

describe('a type changes', { timeout: 120_000 }, () => {
  test('to one that holds the same values', async () => {
    const { live, late } = await tellStory(server, {
      before: `CREATE TABLE orders (id int PRIMARY KEY, code varchar(4), total numeric(8, 2));
               INSERT INTO orders VALUES (1, 'abcd', 1.50)`,
      statements: [
        'ALTER TABLE orders ALTER code TYPE varchar(8), ALTER total TYPE numeric(12, 2)',
        "INSERT INTO orders VALUES (2, 'abcdefgh', 1234567890.25)",
        'ALTER TABLE orders ALTER code TYPE text',
      ],
    });
    expect(live).toEqual(['public.orders widen code', 'public.orders widen total', 'public.orders widen code']);
    expect(late).toEqual(live);
  });

  test('by a rewrite: the table is copied again', async () => {
    const { live, late } = await tellStory(server, {
      before: 'CREATE TABLE orders (id int PRIMARY KEY, n int); INSERT INTO orders VALUES (1, 1)',
      statements: ['ALTER TABLE orders ALTER n TYPE bigint', 'INSERT INTO orders VALUES (2, 9007199254740993)'],
    });
    expect(live).toEqual(['public.orders create again']);
    expect(late).toEqual(live);
  });

  test('to itself, with other values; and nothing in the stream shows it', async () => {
    const { live, late } = await tellStory(server, {
      before: 'CREATE TABLE orders (id int PRIMARY KEY, n int); INSERT INTO orders VALUES (1, 1), (2, 2)',
      statements: ['ALTER TABLE orders ALTER n TYPE int USING n + 100'],
    });
    expect(live).toEqual(['public.orders create again']);
    expect(late).toEqual(live);
  });

  test('to itself, with other keys, and rows follow at once', async () => {
    const { resumed } = await tellStory(server, {
      before: 'CREATE TABLE orders (id int PRIMARY KEY, n int); INSERT INTO orders VALUES (1, 1), (2, 2)',
      statements: ['ALTER TABLE orders ALTER id TYPE int USING id + 100; UPDATE orders SET n = 9 WHERE id = 101'],
    });
    expect(resumed).toBeGreaterThan(0);
  });

  test('without a rewrite, but values look different', async () => {
    const { live } = await tellStory(server, {
      before: `CREATE TABLE orders (id int PRIMARY KEY, at timestamp); INSERT INTO orders VALUES (1, '2024-02-29 12:30')`,
      statements: [`BEGIN; SET LOCAL timezone = 'UTC'; ALTER TABLE orders ALTER at TYPE timestamptz; COMMIT`],
    });
    expect(live).toEqual(['public.orders create again']);
  });

  test('of the same table many times while the runner is down', async () => {
    const { resumed } = await tellStory(server, {
      before: 'CREATE TABLE orders (id int PRIMARY KEY, a text, n int); INSERT INTO orders VALUES (1, $$a$$, 1)',
      statements: [
        'ALTER TABLE orders ADD b text DEFAULT $$b$$; INSERT INTO orders VALUES (2)',
        'ALTER TABLE orders DROP a; INSERT INTO orders VALUES (3)',
        'ALTER TABLE orders RENAME b TO a; INSERT INTO orders VALUES (4)',
        'ALTER TABLE orders ALTER n TYPE bigint USING n * 2; INSERT INTO orders VALUES (5)',
        'ALTER TABLE orders ADD c int DEFAULT 3; UPDATE orders SET c = 4 WHERE id < 3',
        'DELETE FROM orders WHERE id = 4',
      ],
    });
    expect(resumed).toBeGreaterThan(0);
  });
});

describe('types of somebody’s own', { timeout: 120_000 }, () => {
  const moods = `CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN small AS int CHECK (VALUE < 10);
    CREATE TABLE people (id int PRIMARY KEY, mood mood, moods mood[], n small);
    INSERT INTO people VALUES (1, 'sad', '{sad,ok}', 1)`;

  test('get values and constraints in the middle of the stream', async () => {
    const { live, late } = await tellStory(server, {
      before: moods,
      statements: [
        "ALTER TYPE mood ADD VALUE 'happy'",
        "INSERT INTO people VALUES (2, 'happy', '{happy}', 2)",
        'ALTER DOMAIN small DROP CONSTRAINT small_check; INSERT INTO people (id, n) VALUES (3, 100)',
      ],
    });
    expect([live, late]).toEqual([[], []]);
  });

  test('whose values get other names: every row that has one looks different', async () => {
    const { live } = await tellStory(server, {
      before: moods,
      statements: ["ALTER TYPE mood RENAME VALUE 'sad' TO 'gloomy'", "INSERT INTO people VALUES (2, 'gloomy')"],
    });
    expect(live).toEqual(['public.people create again']);
  });

  test('that go while rows with them are still to come', async () => {
    const { live, late } = await tellStory(server, {
      before: moods,
      statements: [
        "INSERT INTO people VALUES (2, 'ok', '{ok}', 2)",
        'ALTER TABLE people DROP mood, DROP moods; DROP TYPE mood',
        'INSERT INTO people VALUES (3, 3)',
      ],
    });
    expect(live).toEqual(['public.people drop mood', 'public.people drop moods']);
    expect(late).toEqual(live);
  });
});

describe('rows and shapes in one transaction', { timeout: 120_000 }, () => {
  test('come in their order', async () => {
    const { live, late } = await tellStory(server, {
      before: orders,
      statements: [
        `BEGIN; INSERT INTO orders VALUES (3, 'c'); ALTER TABLE orders ADD extra int DEFAULT 5; INSERT INTO orders VALUES (4, 'd', 6);
         UPDATE orders SET extra = 7 WHERE id = 1; ALTER TABLE orders DROP note; INSERT INTO orders VALUES (5, 8); COMMIT`,
      ],
    });
    expect(live).toEqual(['public.orders add extra = 5', 'public.orders drop note']);
    expect(late).toEqual(live);
  });

  test('that is rolled back, whole or to a savepoint, change nothing', async () => {
    const { live, late } = await tellStory(server, {
      before: orders,
      statements: [
        'BEGIN; ALTER TABLE orders ADD extra int; INSERT INTO orders VALUES (3); ROLLBACK',
        `BEGIN; INSERT INTO orders VALUES (4); SAVEPOINT s; ALTER TABLE orders DROP note; INSERT INTO orders VALUES (5);
         ROLLBACK TO s; INSERT INTO orders VALUES (6, 'f'); COMMIT`,
      ],
    });
    expect([live, late]).toEqual([[], []]);
  });

  test('with a rewrite in the middle', async () => {
    const { live, late } = await tellStory(server, {
      before: orders,
      statements: [
        `BEGIN; INSERT INTO orders VALUES (3, 'c'); ALTER TABLE orders ALTER id TYPE bigint USING id * 10;
         INSERT INTO orders VALUES (4, 'd'); COMMIT`,
        'DELETE FROM orders WHERE id = 10',
      ],
    });
    expect(live).toEqual(['public.orders create again']);
    expect(late).toEqual(live);
  });
});

describe('keys', { timeout: 120_000 }, () => {
  test('that swap, and large values that do not change while their keys do', async () => {
    const { resumed } = await tellStory(server, {
      before: `CREATE TABLE docs (id int PRIMARY KEY, large text); ALTER TABLE docs ALTER large SET STORAGE EXTERNAL;
        INSERT INTO docs SELECT i, repeat('x', 10000 + i) FROM generate_series(1, 3) i`,
      statements: [
        'BEGIN; UPDATE docs SET id = -1 WHERE id = 1; UPDATE docs SET id = 1 WHERE id = 2; UPDATE docs SET id = 2 WHERE id = -1; COMMIT',
        'UPDATE docs SET id = 30 WHERE id = 3',
      ],
    });
    expect(resumed).toBeGreaterThan(0);
  });

  test('of other columns', async () => {
    const { live, late } = await tellStory(server, {
      before: "CREATE TABLE orders (id int PRIMARY KEY, code text NOT NULL, n int); INSERT INTO orders VALUES (1, 'a', 1), (2, 'b', 2)",
      statements: [
        'ALTER TABLE orders DROP CONSTRAINT orders_pkey, ADD PRIMARY KEY (code)',
        "UPDATE orders SET n = 3 WHERE code = 'a'; UPDATE orders SET code = 'c' WHERE code = 'b'; INSERT INTO orders VALUES (1, 'd')",
        "DELETE FROM orders WHERE code = 'c'",
      ],
    });
    expect(live).toEqual(['public.orders key']);
    expect(late).toEqual(live);
  });

  test('that are gone for a moment', async () => {
    const { resumed } = await tellStory(server, {
      before: 'CREATE TABLE orders (id int PRIMARY KEY, code int NOT NULL); INSERT INTO orders VALUES (1, 1), (2, 2)',
      statements: [
        `ALTER TABLE orders DROP CONSTRAINT orders_pkey; INSERT INTO orders VALUES (3, 3); ALTER TABLE orders ADD PRIMARY KEY (code);
         UPDATE orders SET id = 9 WHERE code = 3`,
      ],
    });
    expect(resumed).toBeGreaterThan(0);
  });

  test('of an index, then of whole rows, then the primary key’s again', async () => {
    const { live, late } = await tellStory(server, {
      before: "CREATE TABLE orders (id int PRIMARY KEY, code text NOT NULL UNIQUE, n int); INSERT INTO orders VALUES (1, 'a', 1)",
      statements: [
        'ALTER TABLE orders REPLICA IDENTITY USING INDEX orders_code_key',
        "UPDATE orders SET id = 2; INSERT INTO orders VALUES (3, 'c', 3)",
        'ALTER TABLE orders REPLICA IDENTITY FULL',
        'UPDATE orders SET n = 5, id = id + 10',
        'ALTER TABLE orders REPLICA IDENTITY DEFAULT',
        'UPDATE orders SET n = 6 WHERE id = 12; DELETE FROM orders WHERE id = 13',
      ],
    });
    expect(new Set([...live, ...late])).toEqual(new Set(['public.orders key']));
  });

  test('that go and come under REPLICA IDENTITY FULL, with equal rows in between', async () => {
    const { resumed } = await tellStory(server, {
      before: 'CREATE TABLE orders (id int PRIMARY KEY, n int); ALTER TABLE orders REPLICA IDENTITY FULL; INSERT INTO orders VALUES (1, 1)',
      statements: [
        'ALTER TABLE orders DROP CONSTRAINT orders_pkey; INSERT INTO orders VALUES (1, 1), (1, 1), (1, 2); DELETE FROM orders WHERE n = 2',
        'DELETE FROM orders WHERE ctid IN (SELECT ctid FROM orders LIMIT 2); ALTER TABLE orders ADD PRIMARY KEY (id)',
        'UPDATE orders SET n = 7; INSERT INTO orders VALUES (2, 2)',
      ],
    });
    expect(resumed).toBeGreaterThan(0);
  });
});

describe('a table', { timeout: 120_000 }, () => {
  test('is dropped', async () => {
    const { live, late } = await tellStory(server, {
      before: `${orders}; CREATE TABLE lines (id int PRIMARY KEY); INSERT INTO lines VALUES (1)`,
      statements: ['INSERT INTO lines VALUES (2)', 'DROP TABLE lines', 'INSERT INTO orders VALUES (3)'],
    });
    expect(live).toEqual(['public.lines drop-table']);
    expect(late).toEqual(live);
  });

  test('is renamed, and another is made under its name', async () => {
    const { live } = await tellStory(server, {
      before: orders,
      statements: [
        "INSERT INTO orders VALUES (3, 'c')",
        'ALTER TABLE orders RENAME TO old_orders; CREATE TABLE orders (id int PRIMARY KEY, n int); INSERT INTO orders VALUES (1, 1)',
        "INSERT INTO old_orders VALUES (4, 'd'); UPDATE orders SET n = 2",
      ],
    });
    expect(live.toSorted()).toEqual(['public.old_orders create new', 'public.orders create again']);
  });

  test('is renamed away from the patterns, and back', async () => {
    const { live } = await tellStory(server, {
      before: `CREATE SCHEMA away; ${orders}`,
      statements: [
        'ALTER TABLE orders SET SCHEMA away; INSERT INTO away.orders VALUES (3)',
        'ALTER TABLE away.orders SET SCHEMA public; INSERT INTO orders VALUES (4)',
      ],
    });
    expect(live).toEqual(['public.orders drop-table', 'public.orders create new']);
  });

  test('is dropped and made again with other types', async () => {
    const { live, late } = await tellStory(server, {
      before: orders,
      statements: [
        "DROP TABLE orders; CREATE TABLE orders (id text PRIMARY KEY, at date); INSERT INTO orders VALUES ('x', '2024-02-29')",
        "INSERT INTO orders VALUES ('y', NULL)",
      ],
    });
    expect(live).toEqual(['public.orders create again']);
    expect(late).toEqual(live);
  });

  test('is emptied with those that refer to it', async () => {
    const { live, late } = await tellStory(server, {
      before: `${orders}; CREATE TABLE lines (id int PRIMARY KEY, "order" int REFERENCES orders); INSERT INTO lines VALUES (1, 1)`,
      statements: ['TRUNCATE orders CASCADE; INSERT INTO orders VALUES (7)', 'INSERT INTO lines VALUES (2, 7)'],
    });
    expect([live, late]).toEqual([[], []]);
  });

  test('appears: in a publication of Weir’s own', async () => {
    const { live } = await tellStory(server, {
      before: orders,
      statements: [
        "CREATE TABLE lines (id int PRIMARY KEY, n int); INSERT INTO lines VALUES (1, 1)",
        'INSERT INTO lines VALUES (2, 2); UPDATE orders SET note = NULL',
        'CREATE TABLE nothing (id int PRIMARY KEY)',
      ],
    });
    expect(live).toEqual(['public.lines create new', 'public.nothing create new']);
  });

  test('appears: in one for all tables', async () => {
    const { live } = await tellStory(server, {
      before: `CREATE PUBLICATION of_all FOR ALL TABLES WITH (publish_via_partition_root = true); ${orders}`,
      statements: [
        'CREATE TABLE lines (id int PRIMARY KEY, n int); INSERT INTO lines VALUES (1, 1)',
        'INSERT INTO lines VALUES (2, 2)',
        'DROP TABLE orders',
      ],
      config: { publication: 'of_all' },
    });
    expect(live).toEqual(['public.lines create new', 'public.orders drop-table']);
  });

  test('with dots in its name is not another one', async () => {
    const { resumed } = await tellStory(server, {
      before: `CREATE SCHEMA a; CREATE SCHEMA "a.b"; CREATE TABLE a."b.c" (id int PRIMARY KEY); CREATE TABLE "a.b".c (id int PRIMARY KEY, n int)`,
      statements: ['INSERT INTO a."b.c" VALUES (1); ALTER TABLE "a.b".c ADD x int DEFAULT 4', 'INSERT INTO "a.b".c VALUES (2)'],
      config: { tables: ['public.*', 'a."b.c"'] },
    });
    expect(resumed).toBeGreaterThan(0);
  });
});
