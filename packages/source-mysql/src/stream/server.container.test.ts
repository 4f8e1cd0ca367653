import { setTimeout as sleep } from 'node:timers/promises';
import { MariadbGtidPosition, MysqlGtidSet } from '@weir/binlog';
import { BatchWriter } from '@weir/sdk';
import { describeWithServices, service } from '@weir/testkit/services';
import { expect, it } from 'vitest';
import { openStream, readLog, type LogReading, type Read } from '../testing/read-log.ts';
import { TestServer } from '../testing/test-server.ts';

const servers = [
  { server: service('mysql'), flavour: 'mysql', none: 'MINIMAL' },
  { server: service('mariadb', { settings: { max_allowed_packet: '64M' } }), flavour: 'mariadb', none: 'NO_LOG' },
] as const;

const ITEMS = 'CREATE TABLE items (id bigint unsigned PRIMARY KEY, name varchar(40), amount decimal(10, 2))';
const changes = [
  "INSERT INTO items VALUES (1, 'one', 1.5), (18446744073709551615, 'größte', NULL)",
  "UPDATE items SET name = 'first' WHERE id = 1",
  'DELETE FROM items WHERE id = 1',
] as const;
const rows = ['items insert 1|one|1.50', 'items insert 18446744073709551615|größte|NULL', 'items update 1|first|1.50', 'items delete 1|first|1.50'];
const enough = (count: number) => (read: Read) => read.rows.length >= count;

for (const { server, flavour, none } of servers) {
  const readingOf = (at: TestServer, start: LogReading['start'], more: Partial<LogReading> = {}): LogReading => ({
    config: at.config,
    flavour,
    start,
    database: at.name,
    ...more,
  });

  await describeWithServices(`of ${server.title}`, [server], () => {
    it('is read from GTIDs, from a place, and over TLS', async () => {
      await using at = await TestServer.with(server, ITEMS);
      const before = await at.log();
      await at.sql(...changes);
      const gtids = before.gtids!;
      expect((await readLog(readingOf(at, gtids), enough(4))).rows).toEqual(rows);
      expect((await readLog(readingOf(at, before.end), enough(4))).rows).toEqual(rows);
      const encrypted = { ...at.config, tls: 'require' } as const;
      expect((await readLog(readingOf(at, gtids, { config: encrypted }), enough(4))).rows).toEqual(rows);
    });

    it('goes on behind the transactions that are complete', async () => {
      await using at = await TestServer.with(server, ITEMS);
      const before = await at.log();
      await at.sql(...changes);
      const after = await at.log();
      const { ends } = await readLog(readingOf(at, before.gtids!), enough(4));
      const place = ends.at(-1)!.end;
      const last = ends.at(-1)!.gtid!;
      const done = before.gtids!.clone();
      for (const { gtid } of ends) done.add(gtid as never);
      expect(done.has(last as never)).toBe(true);
      expect(after.gtids!.hasAll(done as never)).toBe(true);
      await at.sql("INSERT INTO items VALUES (7, 'seven', 7)");
      for (const start of [done, place]) expect((await readLog(readingOf(at, start), enough(1))).rows).toEqual(['items insert 7|seven|7.00']);
    });

    it('is bound to the table without names of columns, and with their types only', async () => {
      await using at = await TestServer.with(server, ITEMS);
      const { gtids } = await at.log();
      try {
        await at.sql(`SET GLOBAL binlog_row_metadata = ${none}`);
        await at.sql(...changes);
      } finally {
        await at.sql('SET GLOBAL binlog_row_metadata = FULL');
      }
      expect((await readLog(readingOf(at, gtids!), enough(4))).rows).toEqual(rows);
    });

    it('whose rows are of another shape than the table is refused', async () => {
      for (const alter of ['RENAME COLUMN name TO title', 'DROP COLUMN amount', 'MODIFY amount decimal(12, 4)', 'MODIFY id bigint NOT NULL', 'DROP PRIMARY KEY, ADD UNIQUE (name(3)), MODIFY name varchar(40) NOT NULL']) {
        await using at = await TestServer.with(server, ITEMS);
        const { gtids } = await at.log();
        await at.sql("INSERT INTO items VALUES (1, 'one', 1.5)", `ALTER TABLE items ${alter}`);
        await expect(readLog(readingOf(at, gtids!), enough(1)), alter).rejects.toMatchObject({ code: 'WEIR_MYSQL_SHAPE', table: `${at.name}.items` });
      }
    });

    it('has events of 16 MiB and more', async () => {
      await using at = await TestServer.with(server, 'CREATE TABLE items (id int PRIMARY KEY, body longtext)');
      const { gtids } = await at.log();
      await at.sql("INSERT INTO items VALUES (1, REPEAT('ab', 9000000)), (2, 'small')", "INSERT INTO items VALUES (3, 'last')");
      const read = await readLog(readingOf(at, gtids!), enough(3));
      expect(read.rows.map((row) => row.length)).toEqual([18_000_015, 20, 19]);
    });

    it('comes out of compressed transactions', async () => {
      await using at = await TestServer.with(server, ITEMS);
      const { gtids } = await at.log();
      const long = `INSERT INTO items VALUES (2, REPEAT('a', 40), 2), (3, REPEAT('b', 40), 3), (4, REPEAT('c', 40), 4)`;
      const variable = flavour === 'mysql' ? 'SESSION binlog_transaction_compression' : 'GLOBAL log_bin_compress';
      const smallest = flavour === 'mysql' ? [] : ['SET GLOBAL log_bin_compress_min_len = 10'];
      try {
        await at.sql(...smallest, `SET ${variable} = ON`, long, ...changes);
      } finally {
        await at.sql(`SET ${variable} = OFF`);
      }
      const expected = ['a', 'b', 'c'].map((letter, index) => `items insert ${index + 2}|${letter.repeat(40)}|${index + 2}.00`);
      const read = await readLog(readingOf(at, gtids!), enough(7));
      expect(read.rows).toEqual([...expected, ...rows]);
      expect(read.payloads).toBeGreaterThan(0);
    });

    // MariaDB's have none.
    it.each(flavour === 'mysql' ? ['blue'] : [])('goes on behind GTIDs with tags: %s', async (tag) => {
      await using at = await TestServer.with(server, ITEMS);
      const before = await at.log();
      await at.sql(`SET gtid_next = 'AUTOMATIC:${tag}'`, changes[0]);
      const between = await at.log();
      expect(between.gtids!.format()).toContain(`:${tag}:`);
      await at.sql(`SET gtid_next = 'AUTOMATIC:${tag}'`, changes[1], changes[2]);
      expect((await readLog(readingOf(at, before.gtids!), enough(4))).rows).toEqual(rows);
      expect((await readLog(readingOf(at, between.gtids!), enough(2))).rows).toEqual(rows.slice(2));
    });

    it('says that it has nothing to say, and where it is', async () => {
      await using at = await TestServer.with(server, ITEMS);
      const { gtids, end } = await at.log();
      const { heartbeats } = await readLog(readingOf(at, gtids!, { heartbeatMs: 100 }), (read) => read.heartbeats.length >= 2);
      expect(heartbeats[1]).toMatchObject({ file: end.file });
      expect(heartbeats[1]!.offset).toBeGreaterThanOrEqual(end.offset);
    });
  });

  await describeWithServices(`of ${server.title}, refused`, [server], () => {
    const failure = async (reading: LogReading): Promise<unknown> => {
      try {
        await readLog(reading, () => false);
        return null;
      } catch (error) {
        return error;
      }
    };

    it('to a user without the right to replicate', async () => {
      await using at = await TestServer.with(server, ITEMS);
      const config = await at.user('SELECT ON *.*');
      const { gtids } = await at.log();
      expect(await failure(readingOf(at, gtids!, { config }))).toMatchObject({ code: 'WEIR_MYSQL_GRANT' });
    });

    it('behind its end, and from GTIDs that it has not', async () => {
      await using at = await TestServer.with(server, ITEMS);
      const { end, server: identity } = await at.log();
      expect(await failure(readingOf(at, { ...end, offset: end.offset + 1_000_000 }))).toMatchObject({ code: 'WEIR_MYSQL_LOG_BEHIND' });
      const ahead = flavour === 'mysql' ? MysqlGtidSet.parse(`${identity}:1-1000000`) : MariadbGtidPosition.parse(`${identity}-1000000`);
      expect(await failure(readingOf(at, ahead))).toMatchObject({ code: 'WEIR_MYSQL_LOG_BEHIND' });
    });

    it('from what was purged, by GTIDs and by place', async () => {
      await using at = await TestServer.with(server, ITEMS);
      const before = await at.log();
      await at.sql(...changes, 'FLUSH BINARY LOGS');
      const { end } = await at.log();
      // A server keeps a file whose reader is gone until it notices that, at the next heartbeat.
      while ((await at.sql(`PURGE BINARY LOGS TO '${end.file}'`, 'SHOW BINARY LOGS'))[0]![0] !== end.file) await sleep(100);
      for (const start of [before.gtids!, before.end]) {
        expect(await failure(readingOf(at, start))).toMatchObject({ code: 'WEIR_MYSQL_LOG_PURGED' });
      }
    });

    it('to the first of two readers with one identity', async () => {
      await using at = await TestServer.with(server, ITEMS);
      const { gtids } = await at.log();
      const same = readingOf(at, gtids!, { pipeline: `same-${at.name}` });
      await using first = await openStream(same, new BatchWriter());
      await first.more();
      await using _ = await openStream(same, new BatchWriter());
      const reading = async (): Promise<never> => {
        for (;;) {
          while (first.next());
          await first.more();
        }
      };
      await expect(reading()).rejects.toMatchObject({ code: 'WEIR_MYSQL_SERVER_ID' });
    });
  });
}
