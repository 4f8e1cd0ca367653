import { refuseTemplates, type Sink, type SinkConnector } from '@weir/sdk';
import { mysqlSinkConfig, type MysqlSinkConfig } from './config.ts';
import { MysqlSink } from './sink.ts';

/** The `mysql` sink of a pipeline; MariaDB as well. */
export const mysqlSink: SinkConnector<MysqlSinkConfig> = {
  kind: 'sink',
  name: 'mysql',
  summary: 'Mirrors tables, or keeps their history, in MySQL 9 and MariaDB',
  delivery: {
    class: 'A',
    mechanism: 'rows and checkpoint in one transaction of InnoDB, guarded by a fence in a row that it locks',
    limit: 'tables take their new shape right after the commit, in statements of their own; one session at a time writes',
  },
  schema: mysqlSinkConfig,
  create: (config, options, context): Sink => {
    refuseTemplates(options.target);
    return new MysqlSink(config, options, context);
  },
};
