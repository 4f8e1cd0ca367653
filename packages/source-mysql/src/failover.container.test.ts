import { setTimeout as sleep } from 'node:timers/promises';
import type { Checkpoint } from '@weir/sdk';
import { Reading, failure, foldItems, type SeenRow } from '@weir/testkit';
import { describeWithServices, service } from '@weir/testkit/services';
import { beforeEach, expect, it } from 'vitest';
import type { MysqlState } from './checkpoint-state.ts';
import { parsePosition } from './position.ts';
import { itemEvents, stopped } from './testing/item-events.ts';
import { MysqlEnvironment } from './testing/mysql-environment.ts';
import { caughtUp, follow, linkAnew, promote, purgeAll, resetLog, runAt, unfollow } from './testing/replica-pair.ts';

const signal = new AbortController().signal;
const strict = { gtid_strict_mode: 'ON', log_slave_updates: 'ON' };
const pairs = [
  {
    flavour: 'mysql',
    primary: service('mysql', { isOwn: true }),
    replica: service('mysql', { isOwn: true, settings: { server_id: '2' } }),
    executed: 'SELECT @@global.gtid_executed',
    restored: (gtids: string) => `SET GLOBAL gtid_purged = '${gtids}'`,
  },
  {
    flavour: 'mariadb',
    primary: service('mariadb', { isOwn: true, settings: strict }),
    replica: service('mariadb', { isOwn: true, settings: { ...strict, server_id: '2' } }),
    executed: 'SELECT @@global.gtid_binlog_state',
    restored: (gtids: string) => `SET GLOBAL gtid_binlog_state = '${gtids}'`,
  },
] as const;

const stateOf = ({ state }: Checkpoint): MysqlState => state as unknown as MysqlState;
const epochOf = ({ position }: Checkpoint): number => parsePosition(position).epoch;

for (const { flavour, primary, replica, executed, restored } of pairs) {
  await describeWithServices(`${primary.title} and its replica`, [primary, replica], () => {
    beforeEach(async () => await linkAnew(primary, replica, flavour), 60_000);

    const refusal = async (environment: Pick<MysqlEnvironment, 'source'>, from: Checkpoint): Promise<unknown> =>
      await failure(environment.source().open(from, signal, from.position));

    /** What a pipeline with `on_lost_position: resnapshot` gets: all of what is there, in the next epoch. */
    const copiedAnew = async (environment: Pick<MysqlEnvironment, 'source'>, from: Checkpoint): Promise<string[]> => {
      await using reading = await Reading.open(environment.source({ on_lost_position: 'resnapshot' }), from, from.position);
      await reading.untilCopied();
      expect(epochOf(reading.seen[0]!.checkpoint!)).toBe(epochOf(from) + 1);
      return itemEvents(reading.copied);
    };

    it('a pipeline goes on at the replica that was promoted, and back: nothing is lost, nothing comes twice', { timeout: 60_000 }, async () => {
      await using environment = await MysqlEnvironment.start(primary.url, flavour);
      const from = await stopped(environment);
      await caughtUp(replica, primary);
      await promote(replica, flavour);
      const promoted = environment.at(replica.url);
      // So that places of the two have nothing in common.
      await promoted.sql('FLUSH BINARY LOGS', 'FLUSH BINARY LOGS');
      await promoted.apply([{ op: 'insert', id: 4, label: 'at the replica' }]);
      await promoted.apply([{ op: 'delete', id: 2 }]);
      const events = ['insert 3 not read', 'insert 4 at the replica', 'delete 2'];
      await using reading = await Reading.open(promoted.source(), from, from.position);
      await reading.untilHead();
      expect(itemEvents(reading.rows)).toEqual(events);
      expect(new Set(reading.seen.map(({ checkpoint }) => checkpoint && epochOf(checkpoint)))).toEqual(new Set([1]));
      expect(stateOf(reading.checkpoint).server).not.toBe(stateOf(from).server);
      await reading[Symbol.asyncDispose]();
      for (const [index, { checkpoint }] of reading.seen.entries()) {
        if (checkpoint === null) continue;
        await using rest = await Reading.open(promoted.source(), checkpoint);
        await rest.untilHead();
        expect(itemEvents(rest.rows)).toEqual(itemEvents(reading.seen.slice(index + 1).flatMap(({ rows }) => rows)));
      }
      await follow(primary, replica, flavour);
      await promoted.apply([{ op: 'insert', id: 5, label: 'before the way back' }]);
      await caughtUp(primary, replica);
      await promote(primary, flavour);
      await environment.apply([{ op: 'insert', id: 6, label: 'back' }]);
      await using back = await Reading.open(environment.source(), reading.checkpoint, reading.checkpoint.position);
      await back.untilHead();
      expect(itemEvents(back.rows)).toEqual(['insert 5 before the way back', 'insert 6 back']);
      expect(epochOf(back.checkpoint)).toBe(2);
    });

    it('a copy that was interrupted goes on at the replica, with the rows as they are there', async () => {
      await using environment = await MysqlEnvironment.start(primary.url, flavour);
      await environment.fill(1, 60, 'before');
      const small = { snapshot: { chunk_rows: 10 } };
      const before: SeenRow[] = [];
      let from: Checkpoint;
      {
        await using reading = await Reading.open(environment.source(small), null);
        await reading.until(({ chunk }) => chunk !== null);
        await environment.apply([{ op: 'update', id: 1, label: 'changed where it is copied' }, { op: 'insert', id: 100, label: 'new' }, { op: 'delete', id: 50 }]);
        from = reading.checkpoint;
        before.push(...reading.rows);
      }
      expect(stateOf(from).tables[0]!.copy?.upTo).not.toBeNull();
      await caughtUp(replica, primary);
      await promote(replica, flavour);
      const promoted = environment.at(replica.url);
      await promoted.apply([{ op: 'update', id: 2, label: 'changed at the replica' }, { op: 'delete', id: 60 }]);
      await using reading = await Reading.open(promoted.source(small), from, from.position);
      await reading.untilCopied();
      await promoted.apply([{ op: 'insert', id: 101, label: 'streamed' }]);
      await reading.untilHead();
      const expected = await promoted.sql('SELECT id, label FROM items ORDER BY id');
      const folded = [...foldItems([...before, ...reading.rows])].map(([id, { label }]) => [String(id), label]);
      expect(folded.toSorted((a, b) => Number(a[0]) - Number(b[0]))).toEqual(expected);
    });

    it('a replica that lacks what was read is refused, also when it has more of its own', async () => {
      await using environment = await MysqlEnvironment.start(primary.url, flavour);
      await environment.fill(1, 1, 'copied');
      await caughtUp(replica, primary);
      await unfollow(replica, flavour);
      await using reading = await Reading.open(environment.source(), null);
      await reading.untilCopied();
      await environment.apply([{ op: 'insert', id: 2, label: 'never replicated' }]);
      await reading.untilStreamed(1);
      const from = reading.checkpoint;
      const behind = environment.at(replica.url);
      expect(await refusal(behind, from)).toMatchObject({ code: 'WEIR_MYSQL_LOG_BEHIND' });
      await promote(replica, flavour);
      for (let id = 10; id < 15; id++) await behind.apply([{ op: 'insert', id, label: 'other' }]);
      expect(await refusal(behind, from)).toMatchObject({ code: 'WEIR_MYSQL_LOG_BEHIND' });
      expect(await copiedAnew(behind, from)).toEqual(['insert 1 copied', ...[10, 11, 12, 13, 14].map((id) => `insert ${id} other`)]);
    });

    it('a replica that removed what was not read is refused, and one that removed only what was read is not', async () => {
      await using environment = await MysqlEnvironment.start(primary.url, flavour);
      const from = await stopped(environment);
      await using reading = await Reading.open(environment.source(), from);
      await reading.untilHead();
      await caughtUp(replica, primary);
      await promote(replica, flavour);
      await purgeAll(replica);
      const promoted = environment.at(replica.url);
      expect(await refusal(promoted, from)).toMatchObject({ code: 'WEIR_MYSQL_LOG_PURGED' });
      expect(await copiedAnew(promoted, from)).toEqual(['insert 1 copied', 'insert 2 read', 'insert 3 not read']);
      await promoted.apply([{ op: 'insert', id: 4, label: 'at the replica' }]);
      await using rest = await Reading.open(promoted.source(), reading.checkpoint, reading.checkpoint.position);
      await rest.untilHead();
      expect(itemEvents(rest.rows)).toEqual(['insert 4 at the replica']);
    });

    /** The same server has a log that is longer than the one of before, under the same name and with the same numbers. */
    const grownAgain = async (environment: MysqlEnvironment, { file, offset, fileTime }: MysqlState): Promise<void> => {
      await environment.sql(...Array.from({ length: 60 }, (_, index) => `INSERT INTO items VALUES (${1000 + index}, 'of the new log', NULL)`));
      const { end } = await environment.log();
      expect(end.file).toBe(file);
      expect(end.offset).toBeGreaterThan(offset);
      expect(fileTime).toBeGreaterThan(0);
    };

    /** Files that were begun in one second look the same. */
    const aSecondLater = async ({ fileTime }: MysqlState): Promise<void> => {
      while (Number((await runAt(primary, 'SELECT UNIX_TIMESTAMP()'))[0]![0]) <= fileTime!) await sleep(50);
    };

    it('a server whose log began anew, and gave the same GTIDs to others, is refused', async () => {
      await using environment = await MysqlEnvironment.start(primary.url, flavour);
      const from = await stopped(environment);
      await promote(replica, flavour);
      await aSecondLater(stateOf(from));
      await resetLog(primary, flavour);
      expect(await refusal(environment, from)).toMatchObject({ code: 'WEIR_MYSQL_LOG_BEHIND' });
      await grownAgain(environment, stateOf(from));
      expect(await refusal(environment, from)).toMatchObject({ code: 'WEIR_MYSQL_LOG_BEHIND', message: expect.stringContaining('a second time') as string });
      expect(await copiedAnew(environment, from)).toHaveLength(63);
    });

    it('a session ends when the log begins anew under it', async () => {
      await using environment = await MysqlEnvironment.start(primary.url, flavour);
      await promote(replica, flavour);
      await using reading = await Reading.open(environment.source(), null);
      await reading.untilCopied();
      await environment.apply([{ op: 'insert', id: 1, label: 'read' }]);
      await reading.untilStreamed(1);
      const ended = reading.untilFailure();
      await resetLog(primary, flavour);
      await environment.apply([{ op: 'insert', id: 2, label: 'of the new log' }]);
      expect(await ended).toMatchObject({ code: 'WEIR_MYSQL_LOG_BEHIND' });
    });

    it('a server whose log began anew behind what was read goes on in the next epoch', async () => {
      await using environment = await MysqlEnvironment.start(primary.url, flavour);
      const from = await stopped(environment);
      await using reading = await Reading.open(environment.source(), from);
      await reading.untilHead();
      await promote(replica, flavour);
      await aSecondLater(stateOf(reading.checkpoint));
      const [[gtids]] = (await runAt(primary, executed)) as [[string]];
      await resetLog(primary, flavour);
      await runAt(primary, restored(gtids));
      await grownAgain(environment, stateOf(reading.checkpoint));
      expect(await refusal(environment, from)).toMatchObject({ code: 'WEIR_MYSQL_LOG_PURGED' });
      await using rest = await Reading.open(environment.source(), reading.checkpoint, reading.checkpoint.position);
      await rest.untilHead();
      expect(itemEvents(rest.rows)).toEqual(Array.from({ length: 60 }, (_, index) => `insert ${1000 + index} of the new log`));
      expect(epochOf(rest.checkpoint)).toBe(1);
    });
  });
}
