import { tableName, type Checkpoint, type Json } from '@weir/sdk';
import { Reading, failure } from '@weir/testkit';
import { describeWithServices, service } from '@weir/testkit/services';
import { expect, it } from 'vitest';
import type { Flavour, MysqlState } from './checkpoint-state.ts';
import { chunkPosition, parsePosition } from './position.ts';
import { itemEvents, stopped } from './testing/item-events.ts';
import { MysqlEnvironment } from './testing/mysql-environment.ts';

const servers = [
  { server: service('mysql'), flavour: 'mysql' },
  { server: service('mariadb'), flavour: 'mariadb' },
] as const;

/** As if another server had been read: the GTIDs are those of this one. */
function ofAnother(checkpoint: Checkpoint, flavour: Flavour): Checkpoint {
  const server = flavour === 'mysql' ? '3e11fa47-71ca-11e1-9e33-c80aa9429562' : '0-999';
  return { ...checkpoint, state: { ...(checkpoint.state as object), server } };
}

for (const { server, flavour } of servers) {
  await describeWithServices(`${server.title}: a start behind a checkpoint`, [server], () => {
    it('of another server goes on by GTIDs, in the next epoch, which every sink hears of first', async () => {
      await using environment = await MysqlEnvironment.start(server.url, flavour);
      const from = await stopped(environment);
      await using reading = await Reading.open(environment.source(), ofAnother(from, flavour), from.position);
      const first = (await reading.next())!;
      expect(first).toMatchObject({ rows: [], schemaChanges: [] });
      expect(parsePosition(first.checkpoint!.position).epoch).toBe(1);
      await environment.apply([{ op: 'delete', id: 2 }]);
      await reading.untilHead();
      expect(itemEvents(reading.rows)).toEqual(['insert 3 not read', 'delete 2']);
      await reading[Symbol.asyncDispose]();
      // And from any of its checkpoints, the first one too.
      for (const [checkpoint, events] of [[first.checkpoint!, ['insert 3 not read', 'delete 2']], [reading.checkpoint, []]] as const) {
        await using rest = await Reading.open(environment.source(), checkpoint);
        await rest.untilHead();
        expect(itemEvents(rest.rows)).toEqual(events);
      }
    });

    it('of another server is refused where one sink is further than another', async () => {
      await using environment = await MysqlEnvironment.start(server.url, flavour);
      const from = await stopped(environment);
      const { epoch, offset } = parsePosition(from.position);
      const { file } = from.state as unknown as MysqlState;
      const reach = chunkPosition(epoch, { file, offset: offset + 1000 }, 1, 1);
      const error = await failure(environment.source().open(ofAnother(from, flavour), new AbortController().signal, reach));
      expect(error).toMatchObject({ code: 'WEIR_MYSQL_EPOCH' });
    });

    it('that leads nowhere any more copies all tables again, where it is told to', async () => {
      await using environment = await MysqlEnvironment.start(server.url, flavour);
      const from = await stopped(environment);
      const lacking = flavour === 'mysql' ? '3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5' : '77-1-5';
      const state = from.state as unknown as MysqlState;
      const lost = { ...from, state: { ...state, gtids: `${state.gtids!},${lacking}` } as unknown as Json };
      expect(await failure(environment.source().open(lost, new AbortController().signal))).toMatchObject({ code: 'WEIR_MYSQL_LOG_BEHIND' });
      await using reading = await Reading.open(environment.source({ on_lost_position: 'resnapshot' }), lost);
      await reading.untilCopied();
      expect(reading.seen[0]!.checkpoint!.position > from.position).toBe(true);
      const created = reading.seen.flatMap(({ schemaChanges }) => schemaChanges);
      expect(created.map(({ change, table }) => `${change} ${tableName(table)}`)).toEqual([`create ${environment.name}.items`]);
      expect(created[0]).toMatchObject({ reason: 'again' });
      expect(reading.copied.map(({ after }) => after![1])).toEqual(['copied', 'read', 'not read']);
    });

    it('knows tables that the configuration has got since, and forgets those that it has lost', async () => {
      await using environment = await MysqlEnvironment.start(server.url, flavour);
      const from = await stopped(environment);
      await environment.sql("INSERT INTO other_log VALUES ('a')", "INSERT INTO other_log VALUES ('b')");
      await using reading = await Reading.open(environment.source({ tables: [`${environment.name}.other_log`] }), from);
      await environment.apply([{ op: 'insert', id: 4, label: 'nobody reads it' }]);
      await environment.sql("INSERT INTO other_log VALUES ('c')");
      await reading.untilHead();
      expect(new Set(reading.rows.map(({ table }) => table))).toEqual(new Set([`${environment.name}.other_log`]));
      // It has no key: what is there is copied whole, and then each change comes once.
      expect(reading.rows.map(({ after }) => String(after![0])).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['a', 'b', 'c']);
    });
  });
}
