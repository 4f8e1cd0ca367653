import { WeirError, type Sink, type SinkConnector, type SinkOptions } from '@weir/sdk';
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
    refuseTemplates(options);
    return new MysqlSink(config, options, context);
  },
};

function refuseTemplates(options: SinkOptions): void {
  for (const part of ['schema', 'table'] as const) {
    const template = options.target[part];
    if (template !== '' && !/[{}]/.test(template.replace(/\{(schema|table)\}/g, ''))) continue;
    throw new WeirError('WEIR_CONFIG_INVALID', `target.${part} may hold {schema} and {table}, not “${template}”`, {
      path: `target.${part}`,
    });
  }
}
