import type { Checkpoint } from '@weir/sdk';
import { Reading } from '@weir/testkit';
import { describe, expect, test } from 'vitest';
import { briefly } from '../testing/brief-row.ts';
import { copiedCheckpoint, errorsOf, refusal } from '../testing/open-source.ts';
import { TestDatabase } from '../testing/test-database.ts';
import { useTestServer } from '../testing/test-server.ts';

const server = useTestServer();
const { signal } = new AbortController();
const insertOnly = { without_key: 'insert_only' };

/** Every way in which the server cannot tell the rows of `log` apart. */
const keyless = [
  ['without a key', 'CREATE TABLE log (id int, note text)'],
  ['with a key that is checked at commit', 'CREATE TABLE log (id int PRIMARY KEY DEFERRABLE, note text)'],
  [
    'with REPLICA IDENTITY NOTHING',
    'CREATE TABLE log (id int PRIMARY KEY, note text); ALTER TABLE log REPLICA IDENTITY NOTHING',
  ],
  [
    'whose identity index is gone',
    `CREATE TABLE log (id int NOT NULL, note text); CREATE UNIQUE INDEX by_id ON log (id);
     ALTER TABLE log REPLICA IDENTITY USING INDEX by_id; DROP INDEX by_id`,
  ],
] as const;

async function shop(sql: string): Promise<TestDatabase> {
  const database = await TestDatabase.create(server.url);
  await database.sql(`CREATE TABLE orders (id int PRIMARY KEY, note text); INSERT INTO orders VALUES (1, 'a'); ${sql}`);
  return database;
}

/** What each publication has: `weir_x: orders`. The names of this test's are shortened. */
async function published(database: TestDatabase): Promise<string[]> {
  const rows = await database.sql(
    `SELECT p.pubname, coalesce(string_agg(c.relname, ',' ORDER BY c.relname), '') AS tables
       FROM pg_publication p LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid LEFT JOIN pg_class c ON c.oid = r.prrelid
      GROUP BY 1 ORDER BY 1`,
  );
  return rows.map((row) => `${String(row['pubname']).replace(database.slot, 'weir')}: ${String(row['tables'])}`);
}

describe('a table', () => {
  test.each(keyless)('%s is refused unless it is asked for', async (_, sql) => {
    await using database = await shop(sql);
    expect((await errorsOf(database.source())).map(({ code }) => code)).toEqual(['WEIR_PG_REPLICA_IDENTITY']);
    expect(await refusal(database.source())).toBe('WEIR_PG_REPLICA_IDENTITY');
    expect(await database.traces()).toEqual([]);
  });

  test.each(keyless)('%s gives its inserts and truncates, while the application still changes it', async (_, sql) => {
    await using database = await shop(`${sql}; INSERT INTO log VALUES (1, 'a'), (2, 'b')`);
    const source = database.source(insertOnly);
    const results = await source.check(signal);
    expect(results.filter(({ level, code }) => level !== 'ok' && code !== 'WEIR_PG_RETAINED_WAL')).toEqual([]);
    expect(results.find(({ code }) => code === 'WEIR_PG_REPLICA_IDENTITY')!.message).toBe(
      'public.log has no key: only its inserts and truncates are captured',
    );
    expect(await source.discover(signal)).toMatchObject([
      { name: 'log', key: [], insertsOnly: true },
      { name: 'orders', key: [0] },
    ]);
    await using reading = await Reading.open(source, null);
    await reading.untilCopied();
    expect(await published(database)).toEqual(['weir: orders', 'weir_inserts: log']);
    expect(reading.copied.map(briefly).toSorted()).toEqual(['read log 1,a', 'read log 2,b', 'read orders 1,a']);
    await database.sql(`
      INSERT INTO log VALUES (3, 'c'); UPDATE log SET note = 'x' WHERE id = 1; DELETE FROM log WHERE id = 2;
      UPDATE orders SET note = 'b'; TRUNCATE log; INSERT INTO log VALUES (4, 'd')`);
    expect(await database.value('SELECT note FROM log')).toBe('d');
    await reading.untilHead();
    expect(reading.streamed.map(briefly)).toEqual([
      'insert log 3,c',
      'update orders 1,b',
      'truncate log',
      'insert log 4,d',
    ]);
    const announced = reading.seen.flatMap(({ schemaChanges }) => schemaChanges.map(({ table }) => table));
    expect(announced.find(({ name }) => name === 'log')).toMatchObject({ key: [], insertsOnly: true });
  });

  test('without a key and with REPLICA IDENTITY FULL is captured whole, with every old row', async () => {
    await using database = await shop(`
      CREATE TABLE log (id int, note text); ALTER TABLE log ALTER note SET STORAGE EXTERNAL, REPLICA IDENTITY FULL;
      INSERT INTO log VALUES (1, repeat('x', 5000)), (1, NULL)`);
    for (const config of [{}, insertOnly]) {
      const [log] = await database.source(config).discover(signal);
      expect(log).toMatchObject({ name: 'log', key: [] });
      expect(log).not.toHaveProperty('insertsOnly');
    }
    await using reading = await Reading.open(database.source(), null);
    await reading.untilCopied();
    await database.sql('UPDATE log SET id = 2 WHERE note IS NOT NULL; DELETE FROM log WHERE note IS NULL');
    await reading.untilHead();
    const large = 'x'.repeat(5000);
    expect(reading.streamed.map(briefly)).toEqual([`update log 2,${large} was 1,${large}`, 'delete log  was 1,null']);
  });

  test('with REPLICA IDENTITY FULL and a key has that key', async () => {
    await using database = await shop(
      'CREATE TABLE log (note text, id int PRIMARY KEY); ALTER TABLE log REPLICA IDENTITY FULL',
    );
    expect((await database.source().discover(signal))[0]).toMatchObject({ name: 'log', key: [1] });
  });

  test('that is partitioned and has no key gives its inserts, whatever its partitions have', async () => {
    await using database = await shop(`
      CREATE TABLE log (id int, note text) PARTITION BY RANGE (id);
      CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (0) TO (10); ALTER TABLE log_1 REPLICA IDENTITY FULL;
      CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM (10) TO (20);`);
    await using reading = await Reading.open(database.source(insertOnly), null);
    await reading.untilCopied();
    await database.sql(`
      INSERT INTO log VALUES (1, 'a'), (11, 'b'); UPDATE log SET note = 'x'; UPDATE log SET id = 12 WHERE id = 1;
      DELETE FROM log`);
    await reading.untilHead();
    // A row that moves to another partition is deleted there and inserted here: a new row, as far as this goes.
    expect(reading.streamed.map(briefly)).toEqual(['insert log 1,a', 'insert log 11,b', 'insert log 12,x']);
  });
});

describe('the second publication', () => {
  test('is made only where a table needs it', async () => {
    await using database = await shop('CREATE TABLE lines (id int PRIMARY KEY)');
    await copiedCheckpoint(database.source(insertOnly));
    expect(await published(database)).toEqual(['weir: lines,orders']);
  });

  test('goes on over a new start, which holds it against the checkpoint', async () => {
    await using database = await shop("CREATE TABLE log (note text); INSERT INTO log VALUES ('a')");
    const source = database.source(insertOnly);
    const from = await copiedCheckpoint(source);
    await database.sql("INSERT INTO log VALUES ('b'); UPDATE log SET note = 'x'");
    const reading = await Reading.open(source, from);
    await reading.untilHead();
    expect(reading.rows.map(briefly)).toEqual(['insert log b']);
    await reading[Symbol.asyncDispose]();
    const name = `${database.slot}_inserts`;
    const refused = async (sql: string): Promise<string> => {
      await database.sql(sql);
      return await refusal(source, reading.checkpoint);
    };
    expect(await refused(`ALTER PUBLICATION ${name} SET (publish = 'insert')`)).toBe('WEIR_PG_PUBLICATION_CHANGED');
    await database.sql(`ALTER PUBLICATION ${name} SET (publish = 'insert, truncate')`);
    expect(await refused(`ALTER PUBLICATION ${name} DROP TABLE log; ALTER PUBLICATION ${name} ADD TABLE log`)).toBe(
      'WEIR_PG_PUBLICATION_CHANGED',
    );
    expect(await refused(`DROP PUBLICATION ${name}`)).toBe('WEIR_PG_PUBLICATION_MISSING');
    await database.sql(`CREATE PUBLICATION ${name} FOR TABLE log WITH (publish = 'insert, truncate')`);
    expect(await refusal(source, reading.checkpoint)).toBe('WEIR_PG_PUBLICATION_CHANGED');
  });

  test('is watched while the stream runs', async () => {
    await using database = await shop('CREATE TABLE log (note text)');
    await using reading = await Reading.open(database.source(insertOnly), null);
    await reading.untilCopied();
    await database.sql(`INSERT INTO log VALUES ('a'); ALTER PUBLICATION ${database.slot}_inserts DROP TABLE log`);
    expect((await reading.untilFailure()).code).toBe('WEIR_PG_PUBLICATION_CHANGED');
  });

  // Before PostgreSQL 18 a slot cannot decode what is older than a publication that it is asked for.
  test('can be added to a pipeline that has unread changes from before it', async () => {
    await using database = await shop('');
    const from = await copiedCheckpoint(database.source());
    await database.sql("UPDATE orders SET note = 'b'; CREATE TABLE log (note text); INSERT INTO log VALUES ('a')");
    await using reading = await Reading.open(database.source(insertOnly), from);
    await reading.untilCopied(['public.log']);
    await database.sql("INSERT INTO log VALUES ('b'); UPDATE log SET note = 'x'; UPDATE orders SET note = 'c'");
    await reading.untilHead();
    expect(reading.rows.map(briefly)).toEqual(['read log a', 'update orders 1,b', 'insert log b', 'update orders 1,c']);
    expect(await published(database)).toEqual(['weir: orders', 'weir_inserts: log']);
  });

  // Such a transaction is decoded with the catalog as it was at its first change, when there was no second publication.
  test('can be added while a transaction is open', async () => {
    await using database = await shop('CREATE TABLE log (note text)');
    const from = await copiedCheckpoint(database.source({ tables: ['public.orders'] }));
    const application = await database.connect();
    await application.query("BEGIN; UPDATE orders SET note = 'b'; INSERT INTO log VALUES ('a')");
    await using reading = await Reading.open(database.source(insertOnly), from);
    const copied = reading.untilCopied(['public.log']);
    const waits = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'weir' AND wait_event_type = 'Lock'";
    await expect.poll(async () => await database.value(waits)).toBe('1');
    await application.query("UPDATE orders SET note = 'c'; COMMIT");
    await application.end();
    await copied;
    await database.sql("BEGIN; INSERT INTO log VALUES ('b'); UPDATE orders SET note = 'd'; COMMIT");
    await reading.untilHead();
    expect(reading.rows.map(briefly)).toEqual([
      'read log a',
      'update orders 1,b',
      'update orders 1,c',
      'insert log b',
      'update orders 1,d',
    ]);
  });

  test('loses a table that got a key, which is then copied with it', async () => {
    await using database = await shop("CREATE TABLE log (note text); INSERT INTO log VALUES ('a')");
    const from = await copiedCheckpoint(database.source(insertOnly));
    await database.sql("UPDATE log SET note = 'b'; ALTER TABLE log ADD PRIMARY KEY (note)");
    await using reading = await Reading.open(database.source(insertOnly), from);
    await reading.untilCopied(['public.log']);
    await database.sql("UPDATE log SET note = 'c'");
    await reading.untilHead();
    expect(reading.rows.map(briefly)).toEqual(['read log b', 'update log c was b']);
    expect(await published(database)).toEqual(['weir: log,orders', 'weir_inserts: ']);
  });

  test('has a name of at most 63 bytes, of its own for every pipeline', async () => {
    await using database = await shop('CREATE TABLE log (note text)');
    const names = ['ü'.repeat(31), `${'ü'.repeat(30)}xx`];
    for (const publication of names) {
      const slot = `${database.name}_${names.indexOf(publication)}`;
      await copiedCheckpoint(database.source({ ...insertOnly, publication, slot }));
    }
    const found = await database.sql('SELECT pubname, octet_length(pubname) AS bytes FROM pg_publication ORDER BY 1');
    expect(found).toHaveLength(4);
    expect(found.every(({ bytes }) => Number(bytes) <= 63)).toBe(true);
  });
});

describe('beside a publication of others', () => {
  const given = { ...insertOnly, publication: 'of_the_dba' };

  test('the tables that it lacks for want of a key are published by Weir', async () => {
    await using database = await shop('CREATE TABLE log (note text); CREATE PUBLICATION of_the_dba FOR TABLE orders');
    await using reading = await Reading.open(database.source(given), null);
    await reading.untilCopied();
    await database.sql("INSERT INTO log VALUES ('a'); DELETE FROM log; DELETE FROM orders");
    await reading.untilHead();
    expect(reading.streamed.map(briefly)).toEqual(['insert log a', 'delete orders  was 1,-']);
    expect(await published(database)).toEqual(['of_the_dba: orders', 'of_the_dba_inserts: log']);
  });

  test('a second one of others is used as it is, and refused when it has more than inserts', async () => {
    await using database = await shop(`
      CREATE TABLE log (note text, more text); CREATE PUBLICATION of_the_dba FOR TABLE orders;
      CREATE PUBLICATION of_the_dba_inserts FOR TABLE log`);
    const source = database.source(given);
    const [error, ...others] = await errorsOf(source);
    expect(others).toEqual([]);
    expect(error).toMatchObject({ code: 'WEIR_PG_PUBLICATION_OPTIONS', path: 'publication' });
    expect(await refusal(source)).toBe('WEIR_PG_PUBLICATION_OPTIONS');
    await database.sql(error!.fix!);
    await using reading = await Reading.open(source, null);
    await reading.untilCopied();
    await database.sql("INSERT INTO log VALUES ('a', 'b')");
    await reading.untilHead();
    expect(reading.streamed.map(briefly)).toEqual(['insert log a,b']);
  });

  test('that breaks the application’s updates itself, check warns', async () => {
    await using database = await shop('CREATE TABLE log (note text); CREATE PUBLICATION of_the_dba FOR TABLE orders, log');
    const [refused] = await errorsOf(database.source({ publication: 'of_the_dba' }));
    expect(refused).toMatchObject({ code: 'WEIR_PG_REPLICA_IDENTITY' });
    const results = await database.source(given).check(signal);
    const warnings = results.filter(({ level, code }) => level === 'warning' && code !== 'WEIR_PG_RETAINED_WAL');
    expect(warnings).toMatchObject([
      { code: 'WEIR_PG_REPLICA_IDENTITY', path: 'publication', fix: 'ALTER TABLE "public"."log" REPLICA IDENTITY FULL;' },
    ]);
    await using reading = await Reading.open(database.source(given), null);
    await reading.untilCopied();
    await database.sql("INSERT INTO log VALUES ('a')");
    await expect(database.sql("UPDATE log SET note = 'b'"), 'the server says so').rejects.toThrow('cannot update table');
    await reading.untilHead();
    expect(reading.streamed.map(briefly)).toEqual(['insert log a']);
    expect(await published(database)).toEqual(['of_the_dba: log,orders']);
  });

  test('a role that may not create the second one is told what to run', async () => {
    await using database = await shop('CREATE TABLE log (note text); CREATE PUBLICATION of_the_dba FOR TABLE orders');
    const role = await database.role('REPLICATION');
    await database.sql(`GRANT SELECT ON orders, log TO ${role.name}`);
    const source = database.source(given, role.url);
    const [error] = await errorsOf(source);
    expect(error).toMatchObject({ code: 'WEIR_PG_GRANT_PUBLICATION' });
    const create = error!.fix!;
    expect(create).toContain(`WITH (publish = 'insert, truncate', publish_via_partition_root = true);`);
    await database.sql(create);
    expect(await errorsOf(source)).toEqual([]);
    const from: Checkpoint = await copiedCheckpoint(source);
    expect(from.state).toMatchObject({ inserts: { name: 'of_the_dba_inserts', owned: false } });
  });
});
