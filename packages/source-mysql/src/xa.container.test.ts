import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoint } from '@weir/sdk';
import { Reading, failure } from '@weir/testkit';
import { describeWithServices, service } from '@weir/testkit/services';
import { expect, it } from 'vitest';
import type { MysqlState } from './checkpoint-state.ts';
import { MysqlEnvironment } from './testing/mysql-environment.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';
import { endXa, prepareXa, xaStatements, xidText } from './testing/xa-sessions.ts';

const servers = [
  { server: service('mysql'), flavour: 'mysql' },
  { server: service('mariadb'), flavour: 'mariadb' },
] as const;

function preparedIn({ state }: Checkpoint): string[] {
  return ((state as unknown as MysqlState).prepared ?? []).map(({ xid }) => xid);
}

function ids(reading: Reading): number[] {
  return reading.streamed.map(({ after }) => Number(after![0]));
}

for (const { server, flavour } of servers) {
  await describeWithServices(`${server.title}: an XA transaction`, [server], () => {
    /** A checkpoint behind PREPAREs, each of statements of one transaction. */
    const behind = async (environment: MysqlEnvironment, folder: string, transactions: Readonly<Record<string, readonly string[]>>): Promise<Checkpoint> => {
      await using reading = await Reading.open(environment.source({}, folder), null);
      await reading.untilCopied();
      for (const [name, statements] of Object.entries(transactions)) await prepareXa(environment, name, ...statements);
      await environment.apply([{ op: 'insert', id: 1000, label: 'behind' }]);
      await reading.untilStreamed(1);
      expect(ids(reading)).toEqual([1000]);
      expect(preparedIn(reading.checkpoint)).toEqual(Object.keys(transactions).map((name) => xidText(environment, name)));
      return reading.checkpoint;
    };

    it('of one phase is one like others, and one of tables that nobody captures passes, whatever becomes of it', async () => {
      await using environment = await MysqlEnvironment.start(server.url, flavour);
      await using reading = await Reading.open(environment.source(), null);
      await reading.untilCopied();
      const inserts = ["INSERT INTO items VALUES (1, 'a', NULL), (2, 'b', NULL)"];
      await environment.sql(...xaStatements(environment, 'one', inserts), `XA COMMIT '${environment.name}one' ONE PHASE`);
      for (const end of ['COMMIT', 'ROLLBACK'] as const) {
        await prepareXa(environment, end, "INSERT INTO other_log VALUES ('x')");
        await environment.apply([{ op: 'insert', id: end.length, label: 'between' }]);
        await endXa(environment, end, end);
      }
      await environment.apply([{ op: 'insert', id: 100, label: 'last' }]);
      await reading.untilHead();
      expect(ids(reading)).toEqual([1, 2, 6, 8, 100]);
      expect(reading.streamed.map(({ ordinal }) => ordinal)).toEqual([1, 2, 1, 1, 1]);
    });

    it('of two phases that changes a captured table is refused when it is prepared, where there is no folder', async () => {
      await using environment = await MysqlEnvironment.start(server.url, flavour);
      await using reading = await Reading.open(environment.source(), null);
      await reading.untilCopied();
      await prepareXa(environment, 'a', "INSERT INTO items VALUES (1, 'a', NULL)");
      const error = await reading.untilFailure();
      await endXa(environment, 'a', 'COMMIT');
      expect(error).toMatchObject({ code: 'WEIR_BINLOG_UNSUPPORTED', table: `${environment.name}.items` });
      expect(reading.streamed).toEqual([]);
    });

    it('of two phases has its rows where it commits, however often the source is started between, and none where it is undone', async () => {
      await using environment = await MysqlEnvironment.start(server.url, flavour);
      await using folder = await temporaryFolder();
      const files = async (): Promise<number> => (await readdir(join(folder.path, 'xa'))).length;
      const checkpoint = await behind(environment, folder.path, {
        a: ["INSERT INTO items VALUES (1, 'a', NULL), (2, 'b', NULL)", "UPDATE items SET label = 'c' WHERE id = 2"],
        b: ["INSERT INTO items VALUES (3, 'undone', NULL)"],
      });
      expect(await files()).toBe(2);
      await environment.apply([{ op: 'insert', id: 11, label: 'before' }]);
      await endXa(environment, 'b', 'ROLLBACK');
      await endXa(environment, 'a', 'COMMIT');
      await environment.apply([{ op: 'insert', id: 12, label: 'after' }]);
      for (const turn of ['first', 'again']) {
        await using reading = await Reading.open(environment.source({}, folder.path), checkpoint);
        await reading.untilHead();
        expect(ids(reading), turn).toEqual([11, 1, 2, 2, 12]);
        const own = reading.streamed.slice(1, 4);
        expect(own.map(({ ordinal }) => ordinal)).toEqual([1, 2, 3]);
        expect(new Set(own.map(({ position }) => position)).size).toBe(1);
        expect(preparedIn(reading.checkpoint)).toEqual([]);
        expect(await files()).toBe(2);
        if (turn === 'first') continue;
        await reading.session.confirm(reading.checkpoint);
        expect(await files()).toBe(0);
      }
      const lost = await failure(environment.source({}, folder.path).open(checkpoint, new AbortController().signal));
      expect(lost.code).toBe('WEIR_MYSQL_XA_FILE');
    });

    it('of two phases commits when the log with its rows is gone', async () => {
      await using environment = await MysqlEnvironment.start(server.url, flavour);
      await using folder = await temporaryFolder();
      const checkpoint = await behind(environment, folder.path, { a: ["INSERT INTO items VALUES (1, 'a', NULL)"] });
      await environment.sql('FLUSH BINARY LOGS');
      let from = checkpoint;
      {
        await using reading = await Reading.open(environment.source({}, folder.path), checkpoint);
        await environment.apply([{ op: 'insert', id: 2, label: 'in the next file' }]);
        await reading.untilHead();
        from = reading.checkpoint;
      }
      const { end } = await environment.log();
      // The server keeps a file whose reader is gone until it notices that.
      for (let first = ''; first !== end.file; ) [[first = '']] = (await environment.sql(`PURGE BINARY LOGS TO '${end.file}'`, 'SHOW BINARY LOGS')) as [[string]];
      await endXa(environment, 'a', 'COMMIT');
      await using reading = await Reading.open(environment.source({}, folder.path), from);
      await reading.untilHead();
      expect(ids(reading)).toEqual([1]);
    });

    it('of two phases commits behind a crash of the server', async () => {
      await using environment = await MysqlEnvironment.start(server.url, flavour);
      await using folder = await temporaryFolder();
      const checkpoint = await behind(environment, folder.path, {
        a: ["INSERT INTO items VALUES (1, 'a', NULL)"],
        b: ["INSERT INTO items VALUES (2, 'undone', NULL)"],
      });
      await server.restart('immediate');
      await environment.apply([{ op: 'insert', id: 3, label: 'restarted' }]);
      await endXa(environment, 'a', 'COMMIT');
      await endXa(environment, 'b', 'ROLLBACK');
      await using reading = await Reading.open(environment.source({}, folder.path), checkpoint);
      await reading.untilHead();
      expect(ids(reading)).toEqual([3, 1]);
    });

    it('of two phases may be large, and compressed', async () => {
      await using environment = await MysqlEnvironment.start(server.url, flavour);
      await using folder = await temporaryFolder();
      const isMysql = flavour === 'mysql';
      const compress = isMysql ? ['SET SESSION binlog_transaction_compression = ON'] : ['SET GLOBAL log_bin_compress = ON'];
      const inserts = Array.from({ length: 30 }, (_, id) => `INSERT INTO items VALUES (${id}, 'large', REPEAT('${id % 10}', 500000))`);
      const expected = Array.from({ length: 30 }, (_, id) => `${id} ${String(id % 10).repeat(500_000)}`);
      for (const isCompressed of [false, true]) {
        await environment.sql('DELETE FROM items');
        if (isCompressed) await environment.sql(...compress);
        await using reading = await Reading.open(environment.source({}, folder.path), null);
        await reading.untilCopied();
        const name = `large${isCompressed}`;
        await environment.sql(...(isCompressed && isMysql ? compress : []), ...xaStatements(environment, name, inserts), `XA PREPARE '${environment.name}${name}'`);
        await endXa(environment, name, 'COMMIT');
        await reading.untilHead();
        expect(reading.streamed.map(({ after }) => `${String(after![0])} ${String(after![2])}`).join() === expected.join(), name).toBe(true);
        expect(reading.streamed).toHaveLength(30);
        if (isCompressed && !isMysql) await environment.sql('SET GLOBAL log_bin_compress = OFF');
      }
    });

    it('whose file is gone stops the start, or has all tables copied again where that is wanted (invariant 6)', async () => {
      await using environment = await MysqlEnvironment.start(server.url, flavour);
      await using folder = await temporaryFolder();
      const checkpoint = await behind(environment, folder.path, { a: ["INSERT INTO items VALUES (1, 'a', NULL)"] });
      await rm(join(folder.path, 'xa'), { recursive: true });
      const error = await failure(environment.source({}, folder.path).open(checkpoint, new AbortController().signal));
      expect(error.code).toBe('WEIR_MYSQL_XA_FILE');
      await endXa(environment, 'a', 'COMMIT');
      await using reading = await Reading.open(environment.source({ on_lost_position: 'resnapshot' }, folder.path), checkpoint, checkpoint.position);
      await reading.untilCopied();
      expect(reading.copied.map(({ after }) => String(after![0])).toSorted()).toEqual(['1', '1000']);
    });

    it('that was prepared before the log was read has the tables copied again when it commits', async () => {
      await using environment = await MysqlEnvironment.start(server.url, flavour);
      await using folder = await temporaryFolder();
      await prepareXa(environment, 'a', "INSERT INTO items VALUES (1, 'a', NULL)");
      await using reading = await Reading.open(environment.source({}, folder.path), null);
      await reading.untilCopied();
      expect(reading.copied).toEqual([]);
      await environment.apply([{ op: 'insert', id: 2, label: 'streamed' }]);
      await reading.untilStreamed(1);
      await endXa(environment, 'a', 'COMMIT');
      await reading.untilCopied();
      expect(reading.copied.map(({ after }) => after![0])).toEqual(['1', '2']);
      await reading.untilHead();
    });
  });
}
