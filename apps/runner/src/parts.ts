import { join } from 'node:path';
import type { ConnectorContext, Sink, Source } from '@weir/sdk';
import type { SinkConfig, SourceConfig } from './config/config.ts';
import { locateSink, locateSource } from './located.ts';

/** A source, connected to nothing yet. */
export function createSource(block: SourceConfig, context: ConnectorContext): Source {
  const { connector, config } = block;
  return locateSource(connector.create(config, context), block);
}

/** A sink, connected to nothing yet. */
export function createSink(block: SinkConfig, context: ConnectorContext): Sink {
  const { connector, config, options } = block;
  return locateSink(connector.create(config, options, context), block);
}

/** Where the connectors of a pipeline keep files of their own; it may not be there. */
export function pipelineFolder(stateDirectory: string, pipeline: string): string {
  return join(stateDirectory, pipeline);
}
