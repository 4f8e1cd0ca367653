import { defaultSinkOptions, silentLogger, systemClock, type ConnectorContext, type Sink, type SinkOptions } from '@weir/sdk';
import { duckdbConfig, type DuckdbConfig } from './config.ts';
import { duckdbSink } from './connector.ts';

/**
 * A DuckDB file as a sink, for programs.
 *
 * @param options the `duckdb` block of the YAML as an object, and beside it the options that every sink has
 * @throws ZodError when an option is wrong
 */
export function duckdb(options: DuckdbConfig & Partial<SinkOptions>, context: Partial<ConnectorContext> = {}): Sink {
  const { mode, target, deletes, schemaChanges, onError, memoryBytes, ...config } = { ...defaultSinkOptions, ...options };
  const { pipeline = 'weir', name = 'duckdb', log = silentLogger, clock = systemClock } = context;
  return duckdbSink.create(
    duckdbConfig.parse(config),
    { mode, target, deletes, schemaChanges, onError, memoryBytes },
    { pipeline, name, log, clock },
  );
}
