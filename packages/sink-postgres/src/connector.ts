import { refuseTemplates, type Sink, type SinkConnector } from '@weir/sdk';
import { postgresSinkConfig, type PostgresSinkConfig } from './config.ts';
import { PostgresSink } from './sink.ts';

/** The `postgres` sink of a pipeline. */
export const postgresSink: SinkConnector<PostgresSinkConfig> = {
  kind: 'sink',
  name: 'postgres',
  summary: 'Mirrors tables, or keeps their history, in PostgreSQL 14 to 18',
  delivery: {
    class: 'A',
    mechanism: 'rows, tables and checkpoint in one transaction of the server, guarded by a fence in a row that it locks',
    limit: 'one session at a time writes for a sink of a pipeline; a predecessor in the middle of a commit is ended',
  },
  schema: postgresSinkConfig,
  create: (config, options, context): Sink => {
    refuseTemplates(options.target);
    return new PostgresSink(config, options, context);
  },
};
