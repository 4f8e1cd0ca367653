import { WeirError, type Sink, type SinkConnector, type SinkOptions } from '@weir/sdk';
import { duckdbConfig, type DuckdbConfig } from './config.ts';
import { DuckdbSink } from './sink.ts';

/** What this version does, by option; anything else is refused, so that nothing is promised that does not happen. */
const supported = [
  { option: 'mode', name: 'mode', value: 'mirror' },
  { option: 'deletes', name: 'deletes', value: 'hard' },
  { option: 'onError', name: 'on_error', value: 'stop' },
] as const;

export const duckdbSink: SinkConnector<DuckdbConfig> = {
  kind: 'sink',
  name: 'duckdb',
  summary: 'Mirrors tables into a DuckDB file',
  delivery: {
    class: 'A',
    mechanism: 'rows and checkpoint in one DuckDB transaction, guarded by a fence in the file',
    limit: 'one process has the file open; readers ask through it',
  },
  schema: duckdbConfig,
  create: (config, options, context): Sink => {
    refuseUnsupported(options);
    return new DuckdbSink(config, options, context);
  },
};

function refuseUnsupported(options: SinkOptions): void {
  for (const { option, name, value } of supported) {
    if (options[option] === value) continue;
    const message = `${name}: duckdb cannot do “${options[option]}” yet, only “${value}”`;
    throw new WeirError('WEIR_CONFIG_INVALID', message, { path: name });
  }
  for (const part of ['schema', 'table'] as const) {
    const template = options.target[part];
    if (template !== '' && !/[{}]/.test(template.replace(/\{(schema|table)\}/g, ''))) continue;
    throw new WeirError('WEIR_CONFIG_INVALID', `target.${part} may hold {schema} and {table}, not “${template}”`, {
      path: `target.${part}`,
    });
  }
}
