import type { ConnectorContext, Source, SourceConnector } from '@weir/sdk';
import { mysqlConfig, type MysqlConfig } from './config.ts';
import { MysqlSource } from './source.ts';

/** The `mysql` source of a pipeline; MariaDB as well. */
export const mysqlSource: SourceConnector<MysqlConfig> = {
  kind: 'source',
  name: 'mysql',
  summary: 'MySQL and MariaDB: a copy of the tables, then every change, by the binary log',
  schema: mysqlConfig,
  create(config: MysqlConfig, context: ConnectorContext): Source {
    return new MysqlSource(config, context);
  },
};
