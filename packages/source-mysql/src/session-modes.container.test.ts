import { setTimeout as sleep } from 'node:timers/promises';
import { errorCodes, type Checkpoint } from '@weir/sdk';
import { Reading, failure, foldItems, type SeenRow } from '@weir/testkit';
import { describeWithServices, service } from '@weir/testkit/services';
import { expect, it } from 'vitest';
import type { MysqlState } from './checkpoint-state.ts';
import { itemEvents, stopped } from './testing/item-events.ts';
import { MysqlEnvironment } from './testing/mysql-environment.ts';
import { purgeAll, resetLog, runAt } from './testing/replica-pair.ts';

const signal = new AbortController().signal;
const stateOf = ({ state }: Checkpoint): MysqlState => state as unknown as MysqlState;

/** Rows of items as a sink would have them, in the order of their keys. */
function folded(rows: readonly SeenRow[]): [string, string | null][] {
  const items = [...foldItems(rows)].toSorted(([a], [b]) => a - b);
  return items.map(([id, { label }]) => [String(id), label]);
}

const content = async (environment: MysqlEnvironment): Promise<unknown> => await environment.sql('SELECT id, label FROM items ORDER BY id');

const plain = service('mysql', { isOwn: true, settings: { gtid_mode: 'OFF', enforce_gtid_consistency: 'OFF' } });

await describeWithServices(`${plain.title} without GTIDs`, [plain], () => {
  const refusal = async (environment: MysqlEnvironment, from: Checkpoint): Promise<unknown> =>
    await failure(environment.source().open(from, signal, from.position));

  const copiedAnew = async (environment: MysqlEnvironment, from: Checkpoint): Promise<string[]> => {
    await using reading = await Reading.open(environment.source({ on_lost_position: 'resnapshot' }), from, from.position);
    await reading.untilCopied();
    return itemEvents(reading.copied);
  };

  it('copies, goes on from file to file, and from every checkpoint', { timeout: 60_000 }, async () => {
    await using environment = await MysqlEnvironment.start(plain.url, 'mysql');
    await environment.fill(1, 30, 'copied');
    const small = { snapshot: { chunk_rows: 10 } };
    await using reading = await Reading.open(environment.source(small), null);
    await reading.until(({ chunk }) => chunk !== null);
    await environment.apply([{ op: 'insert', id: 100, label: 'beside the copy' }, { op: 'delete', id: 30 }]);
    await reading.untilCopied();
    const copied = reading.seen.length - 1;
    await environment.sql("INSERT INTO items VALUES (101, 'first file', NULL)", 'FLUSH BINARY LOGS');
    await environment.apply([{ op: 'update', id: 1, label: 'second file' }]);
    await reading.untilStreamed(2);
    await environment.sql('FLUSH BINARY LOGS', 'FLUSH BINARY LOGS');
    await environment.apply([{ op: 'delete', id: 2 }, { op: 'insert', id: 102, label: 'fourth file' }]);
    await reading.untilHead();
    expect(stateOf(reading.checkpoint).gtids).toBeNull();
    expect(folded(reading.rows)).toEqual(await content(environment));
    await reading[Symbol.asyncDispose]();
    // Behind the copy the rest is the same, row by row.
    const behind: { readonly given: string[]; readonly expected: string[] }[] = [];
    for (const [index, { checkpoint }] of reading.seen.entries()) {
      if (checkpoint === null) continue;
      await using rest = await Reading.open(environment.source(small), checkpoint);
      await rest.untilHead();
      const [before, after] = [reading.seen.slice(0, index + 1), reading.seen.slice(index + 1)].map((batches) => batches.flatMap(({ rows }) => rows));
      expect(folded([...before!, ...rest.rows])).toEqual(await content(environment));
      if (index >= copied) behind.push({ given: itemEvents(rest.rows), expected: itemEvents(after!) });
    }
    expect(behind.length).toBeGreaterThan(2);
    expect(behind.map(({ given }) => given)).toEqual(behind.map(({ expected }) => expected));
  });

  it('is refused when the file that is to be read is removed, or copied again', async () => {
    await using environment = await MysqlEnvironment.start(plain.url, 'mysql');
    const from = await stopped(environment);
    await purgeAll(plain);
    expect(await refusal(environment, from)).toMatchObject({ code: 'WEIR_MYSQL_LOG_PURGED' });
    expect(await copiedAnew(environment, from)).toEqual(['insert 1 copied', 'insert 2 read', 'insert 3 not read']);
  });

  it('is refused when the log began anew, also where it has grown beyond the checkpoint since', async () => {
    await resetLog(plain, 'mysql');
    await using environment = await MysqlEnvironment.start(plain.url, 'mysql');
    const from = await stopped(environment);
    const { file, offset, fileTime } = stateOf(from);
    while (Number((await runAt(plain, 'SELECT UNIX_TIMESTAMP()'))[0]![0]) <= fileTime!) await sleep(50);
    await resetLog(plain, 'mysql');
    expect(await refusal(environment, from)).toMatchObject({ code: 'WEIR_MYSQL_LOG_BEHIND' });
    await environment.sql(...Array.from({ length: 60 }, (_, index) => `INSERT INTO items VALUES (${1000 + index}, 'of the new log', NULL)`));
    const { end } = await environment.log();
    expect([end.file, end.offset > offset]).toEqual([file, true]);
    expect(await refusal(environment, from)).toMatchObject({ code: 'WEIR_MYSQL_LOG_BEHIND', message: expect.stringContaining('another file') as string });
    expect(await copiedAnew(environment, from)).toHaveLength(63);
  });

  it('is refused behind the checkpoint of another server, and of one with GTIDs', async () => {
    await using environment = await MysqlEnvironment.start(plain.url, 'mysql');
    const from = await stopped(environment);
    const doctored = (changes: object): Checkpoint => ({ ...from, state: { ...(from.state as object), ...changes } });
    const uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
    expect(await refusal(environment, doctored({ server: uuid }))).toMatchObject({ code: 'WEIR_MYSQL_LOG_BEHIND' });
    expect(await refusal(environment, doctored({ gtids: `${uuid}:1-5` }))).toMatchObject({ code: 'WEIR_MYSQL_LOG_SETTINGS' });
  });

  it('goes on where GTIDs are turned on by what the check prints, once all is read that was logged without', async () => {
    await using environment = await MysqlEnvironment.start(plain.url, 'mysql');
    const from = await stopped(environment);
    const { fix } = (await environment.source().check(signal)).find(({ code }) => code === 'MYSQL_GTID')!;
    await runAt(plain, ...fix!.split(';').map((text) => text.trim()).filter((text) => text !== ''));
    await environment.apply([{ op: 'insert', id: 4, label: 'with a GTID' }]);
    await using early = await Reading.open(environment.source(), from);
    expect(await early.untilFailure()).toMatchObject({ code: 'WEIR_MYSQL_LOG_SETTINGS', fix: expect.stringContaining('ON_PERMISSIVE') as string });
    await runAt(plain, 'SET GLOBAL gtid_mode = ON_PERMISSIVE');
    await using reading = await Reading.open(environment.source(), from);
    await reading.untilHead();
    expect(itemEvents(reading.rows)).toEqual(['insert 3 not read', 'insert 4 with a GTID']);
    await runAt(plain, 'SET GLOBAL gtid_mode = ON');
    await environment.apply([{ op: 'delete', id: 4 }]);
    await using rest = await Reading.open(environment.source(), reading.checkpoint);
    await rest.untilHead();
    expect(itemEvents(rest.rows)).toEqual(['delete 4']);
  });
});

const servers = [
  { server: service('mysql'), flavour: 'mysql' },
  { server: service('mariadb'), flavour: 'mariadb' },
] as const;

for (const { server, flavour } of servers) {
  await describeWithServices(`${server.title}: a session`, [server], () => {
    it('ends when another one with its id begins, for good', async () => {
      await using environment = await MysqlEnvironment.start(server.url, flavour);
      await using first = await Reading.open(environment.source(), null);
      await first.untilCopied();
      const ended = first.untilFailure();
      await using second = await Reading.open(environment.source(), first.checkpoint);
      for (const id of [1, 2]) {
        await environment.apply([{ op: 'insert', id, label: 'for the second' }]);
        await second.untilStreamed(1);
        expect(await ended).toMatchObject({ code: 'WEIR_MYSQL_SERVER_ID' });
      }
      // Nobody tries again by himself, so the two do not end each other in turn.
      expect(errorCodes.WEIR_MYSQL_SERVER_ID.policy).toBe('stop');
      expect(itemEvents(second.rows)).toEqual(['insert 1 for the second', 'insert 2 for the second']);
    });

    it('that is never to copy gives changes only, whatever is altered while it starts', { timeout: 60_000 }, async () => {
      await using environment = await MysqlEnvironment.start(server.url, flavour);
      await environment.fill(1, 5, 'there before');
      await environment.sql('CREATE TABLE altered (id int PRIMARY KEY)', 'INSERT INTO altered VALUES (0)');
      const stop = new AbortController();
      const alter = async (): Promise<void> => {
        while (!stop.signal.aborted) await environment.sql('ALTER TABLE altered ADD COLUMN more int', 'ALTER TABLE altered DROP COLUMN more');
      };
      const altering = alter();
      const never = { snapshot: { mode: 'never' } } as const;
      try {
        for (let start = 1; start <= 5; start++) {
          await using reading = await Reading.open(environment.source(never), null);
          await environment.sql(`INSERT INTO altered (id) VALUES (${start})`);
          await reading.untilStreamed(1);
          expect(reading.seen.filter(({ chunk, checkpoint }) => chunk !== null || stateOf(checkpoint!).tables.some(({ copy }) => copy !== undefined))).toEqual([]);
          expect(reading.rows.map(({ after }) => after![0])).toEqual([String(start)]);
        }
      } finally {
        stop.abort();
        await altering;
      }
      await using reading = await Reading.open(environment.source(never), null);
      await environment.apply([{ op: 'insert', id: 6, label: 'new' }, { op: 'delete', id: 1 }]);
      await reading.untilStreamed(2);
      await environment.apply([{ op: 'update', id: 2, label: 'later' }]);
      await using rest = await Reading.open(environment.source(never), reading.checkpoint);
      await rest.untilHead();
      expect(itemEvents([...reading.rows, ...rest.rows])).toEqual(['insert 6 new', 'delete 1', 'update 2 later']);
    });

    it('that is only to copy ends when all is copied, with what changed meanwhile, and at once when it comes again', async () => {
      await using environment = await MysqlEnvironment.start(server.url, flavour);
      await environment.fill(1, 20, 'copied');
      await environment.sql('CREATE TABLE listed (name varchar(20) PRIMARY KEY)', "INSERT INTO listed VALUES ('a'), ('b')");
      const only = { snapshot: { mode: 'only', chunk_rows: 5 } } as const;
      await using reading = await Reading.open(environment.source(only), null);
      await reading.until(({ chunk }) => chunk !== null);
      await environment.apply([{ op: 'update', id: 1, label: 'changed meanwhile' }, { op: 'delete', id: 20 }]);
      await reading.untilEnd();
      const items = reading.rows.filter(({ table }) => table.endsWith('.items'));
      expect(folded(items)).toEqual(await content(environment));
      expect(reading.rows.filter(({ table }) => table.endsWith('.listed')).map(({ after }) => after![0])).toEqual(['a', 'b']);
      await environment.apply([{ op: 'insert', id: 21, label: 'behind the end' }]);
      await using again = await Reading.open(environment.source(only), reading.checkpoint);
      await again.untilEnd();
      expect(again.rows).toEqual([]);
    });
  });
}
