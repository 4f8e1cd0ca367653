import type { ConnectionConfig } from '@weir/postgres';
import {
  defaultSinkOptions,
  silentLogger,
  systemClock,
  type ConnectorContext,
  type Sink,
  type SinkOptions,
} from '@weir/sdk';
import { postgresSinkConfig } from './config.ts';
import { postgresSink } from './connector.ts';

/** The `postgres` block of the YAML as an object, and beside it the options that every sink has. */
export interface PostgresSinkOptions extends Partial<SinkOptions>, Omit<ConnectionConfig, 'url' | 'connect_timeout'> {
  /** `postgres://user:password@host:port/database`; without it `service` says where the server is. */
  readonly url?: string;
  /** How long each host may take until it answers: `15s`, or milliseconds. */
  readonly connect_timeout?: string | number;
  /** How long a commit may stand still before the server ends the session: `5m`, or milliseconds. */
  readonly idle_timeout?: string | number;
}

/**
 * A PostgreSQL database as a sink, for programs.
 *
 * @throws ZodError when an option is wrong
 */
export function postgres(options: PostgresSinkOptions, context: Partial<ConnectorContext> = {}): Sink {
  const { mode, target, deletes, schemaChanges, onError, memoryBytes, ...config } = { ...defaultSinkOptions, ...options };
  const { pipeline = 'weir', name = 'postgres', log = silentLogger, clock = systemClock } = context;
  return postgresSink.create(
    postgresSinkConfig.parse(config),
    { mode, target, deletes, schemaChanges, onError, memoryBytes },
    { pipeline, name, log, clock },
  );
}
