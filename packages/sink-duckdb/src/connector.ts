import { WeirError, type Sink, type SinkConnector, type SinkOptions } from '@weir/sdk';
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
    refuseTemplates(options);
    return new DuckdbSink(config, options, context);
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
