import { Reading } from '@weir/testkit';
import { describeWithServices, service } from '@weir/testkit/services';
import { expect, it } from 'vitest';
import { MysqlEnvironment } from './testing/mysql-environment.ts';

const servers = [
  { server: service('mysql'), flavour: 'mysql' },
  { server: service('mariadb'), flavour: 'mariadb' },
] as const;

for (const { server, flavour } of servers) {
  await describeWithServices(`${server.title}: an XA transaction`, [server], () => {
    const xa = (statement: string, name: string): string[] => [`XA START '${name}'`, statement, `XA END '${name}'`];

    it('of one phase is one like others, and one of tables that nobody captures passes, whatever becomes of it', async () => {
      await using environment = await MysqlEnvironment.start(server.url, flavour);
      const { name } = environment;
      await using reading = await Reading.open(environment.source(), null);
      await reading.untilCopied();
      await environment.sql(...xa("INSERT INTO items VALUES (1, 'a', NULL), (2, 'b', NULL)", `${name}1`), `XA COMMIT '${name}1' ONE PHASE`);
      for (const end of ['COMMIT', 'ROLLBACK']) {
        await environment.sql(...xa("INSERT INTO other_log VALUES ('x')", `${name}${end}`), `XA PREPARE '${name}${end}'`);
        await environment.apply([{ op: 'insert', id: end.length, label: 'between' }]);
        await environment.sql(`XA ${end} '${name}${end}'`);
      }
      await environment.apply([{ op: 'insert', id: 100, label: 'last' }]);
      await reading.untilHead();
      expect(reading.streamed.map(({ after }) => after![0])).toEqual(['1', '2', '6', '8', '100']);
      expect(reading.streamed.map(({ ordinal }) => ordinal)).toEqual([1, 2, 1, 1, 1]);
    });

    it('of two phases that changes a captured table is refused when it is prepared', async () => {
      await using environment = await MysqlEnvironment.start(server.url, flavour);
      const { name } = environment;
      await using reading = await Reading.open(environment.source(), null);
      await reading.untilCopied();
      await environment.sql(...xa("INSERT INTO items VALUES (1, 'a', NULL)", name), `XA PREPARE '${name}'`);
      const error = await reading.untilFailure();
      await environment.sql(`XA COMMIT '${name}'`);
      expect(error).toMatchObject({ code: 'WEIR_BINLOG_UNSUPPORTED', table: `${name}.items` });
      expect(reading.streamed).toEqual([]);
    });
  });
}
