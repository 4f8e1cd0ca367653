import type { Checkpoint, ErrorCode } from '@weir/sdk';
import type { Discontinuity, SourceDriver } from '@weir/testkit';
import type { Flavour, MysqlState } from '../checkpoint-state.ts';
import { boundaryPosition } from '../position.ts';
import { MysqlEnvironment } from './mysql-environment.ts';
import { typeCasesOf } from './type-cases.ts';

/** What the contract needs of a server. @param server its URL is known when the tests run */
export function mysqlDriver(server: { readonly url: string }, flavour: Flavour): SourceDriver<MysqlEnvironment> {
  return {
    name: flavour,
    start: async () => await MysqlEnvironment.start(server.url, flavour),
    typeCases: typeCasesOf(flavour),
    discontinuities: discontinuitiesOf(flavour),
    omitsUnchanged: false,
    prunes: false,
    definesAtOnce: true,
  };
}

type Cause = Discontinuity<MysqlEnvironment>['cause'];

function stopped(name: string, code: ErrorCode, cause: Cause): Discontinuity<MysqlEnvironment> {
  return { name, code, when: 'stopped', cause };
}

/** All are reasons why rows could be missing, or mean something else than the checkpoint says. */
function discontinuitiesOf(flavour: Flavour): Discontinuity<MysqlEnvironment>[] {
  const other = flavour === 'mysql' ? '3e11fa47-71ca-11e1-9e33-c80aa9429562' : '9-9';
  return [
    stopped('the log that was not read is removed', 'WEIR_MYSQL_LOG_PURGED', async (environment) => {
      await environment.sql("INSERT INTO items VALUES (1000, 'lost', NULL)", 'FLUSH BINARY LOGS');
      const { end } = await environment.log();
      // The server keeps a file whose reader is gone until it notices that.
      for (let first = ''; first !== end.file; ) [[first = '']] = (await environment.sql(`PURGE BINARY LOGS TO '${end.file}'`, 'SHOW BINARY LOGS')) as [[string]];
    }),
    stopped('the server lacks what was read: it was put back, or is another one', 'WEIR_MYSQL_LOG_BEHIND', async (_, checkpoint) => {
      const { gtids } = checkpoint.state as unknown as MysqlState;
      return await Promise.resolve(doctored(checkpoint, { gtids: `${gtids!},${other}${flavour === 'mysql' ? ':1-5' : '-5'}`.replace(/^,/u, '') }));
    }),
    stopped('the checkpoint is of the other kind of server', 'WEIR_MYSQL_CHECKPOINT', async (_, checkpoint) => {
      return await Promise.resolve(doctored(checkpoint, { flavour: flavour === 'mysql' ? 'mariadb' : 'mysql' }));
    }),
    stopped('the checkpoint has another form', 'WEIR_MYSQL_CHECKPOINT', async (_, checkpoint) => {
      return await Promise.resolve(doctored(checkpoint, { v: 2 }));
    }),
    stopped('the position is of another place than the state', 'WEIR_MYSQL_CHECKPOINT', async (_, checkpoint) => {
      return await Promise.resolve({ ...checkpoint, position: boundaryPosition(0, { file: 'binlog.000001', offset: 4 }) });
    }),
  ];
}

/** The same checkpoint with parts of its private state replaced. */
function doctored(checkpoint: Checkpoint, changes: object): Checkpoint {
  return { ...checkpoint, state: { ...(checkpoint.state as object), ...changes } };
}
