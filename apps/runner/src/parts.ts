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
