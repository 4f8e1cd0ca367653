import { BATCH_ROWS, tableName } from '@weir/sdk';
import { Reading, foldItems, scanTable } from '@weir/testkit';
import { describeWithServices, service } from '@weir/testkit/services';
import { expect, it } from 'vitest';
import { MysqlEnvironment } from './testing/mysql-environment.ts';

const servers = [
  { server: service('mysql'), flavour: 'mysql' },
  { server: service('mariadb'), flavour: 'mariadb' },
] as const;

for (const { server, flavour } of servers) {
  await describeWithServices(`${server.title}: a table that is copied once more`, [server], () => {
    it.each(['anew', 'in-place', 'repair'] as const)('%s, while its rows change, ends as it is', { timeout: 60_000 }, async (how) => {
      await using environment = await MysqlEnvironment.start(server.url, flavour);
      await environment.fill(1, BATCH_ROWS + 100, 'before');
      await using reading = await Reading.open(environment.source(), null);
      await reading.untilCopied();
      const begun = reading.seen.length;
      const pulling = reading.until(({ chunk }) => chunk?.last === true);
      await reading.session.copyAgain!([`${environment.name}.items`], how);
      await environment.apply([
        { op: 'update', id: 5, label: 'changed' },
        { op: 'delete', id: 6 },
        { op: 'insert', id: 100_000, label: 'new' },
      ]);
      await pulling;
      await environment.apply([{ op: 'delete', id: 7 }]);
      await reading.untilHead();
      const again = reading.seen.slice(begun);
      const told = again.flatMap(({ schemaChanges }) => schemaChanges).map(({ change, table }) => `${change} ${tableName(table)}`);
      expect(told).toEqual(how === 'anew' ? [`create ${environment.name}.items`] : []);
      const chunks = again.filter(({ chunk }) => chunk !== null);
      expect(chunks.every(({ chunk }) => (chunk!.compare === true) === (how === 'repair'))).toBe(true);
      expect(chunks[0]!.chunk!.range!.after).toBeNull();
      expect(chunks.at(-1)!.chunk!.range!.upTo).toBeNull();
      expect(foldItems(again.flatMap(({ rows }) => rows))).toEqual(foldItems(await scanTable(environment.source(), 'items')));
    });

    it('is refused where nobody captures it, and in place where it has no key', async () => {
      await using environment = await MysqlEnvironment.start(server.url, flavour);
      const { name } = environment;
      await using reading = await Reading.open(environment.source({ tables: [`${name}.other_log`] }), null);
      await reading.untilCopied([`${name}.other_log`]);
      const pulling = reading.until(({ rows }) => rows.length > 0);
      await expect(reading.session.copyAgain!([`${name}.items`], 'anew')).rejects.toMatchObject({ code: 'WEIR_TABLE_UNKNOWN' });
      await expect(reading.session.copyAgain!([`${name}.other_log`], 'in-place')).rejects.toMatchObject({ code: 'WEIR_TABLE_NO_KEY' });
      await environment.sql("INSERT INTO other_log VALUES ('a')");
      await pulling;
    });
  });
}
