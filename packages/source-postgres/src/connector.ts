import type { ConnectorContext, Source, SourceConnector } from '@weir/sdk';
import { postgresConfig, type PostgresConfig } from './config.ts';
import { PostgresSource } from './source.ts';

/** The `postgres` source of a pipeline. */
export const postgresSource: SourceConnector<PostgresConfig> = {
  kind: 'source',
  name: 'postgres',
  summary: 'PostgreSQL 14 to 18: a copy of the tables, then every change, by logical replication',
  schema: postgresConfig,
  create(config: PostgresConfig, context: ConnectorContext): Source {
    return new PostgresSource(config, context);
  },
};
