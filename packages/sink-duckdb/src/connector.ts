import { refuseTemplates, type Sink, type SinkConnector } from '@weir/sdk';
import { duckdbConfig, type DuckdbConfig } from './config.ts';
import { DuckdbSink } from './sink.ts';

export const duckdbSink: SinkConnector<DuckdbConfig> = {
  kind: 'sink',
  name: 'duckdb',
  summary: 'Tables or their history in a DuckDB file',
  delivery: {
    class: 'A',
    mechanism: 'rows and checkpoint in one DuckDB transaction, guarded by a fence in the file',
    limit: 'one process has the file open; readers ask through it',
  },
  schema: duckdbConfig,
  create: (config, options, context): Sink => {
    refuseTemplates(options.target);
    return new DuckdbSink(config, options, context);
  },
};
