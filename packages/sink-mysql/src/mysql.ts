import type { ConnectionConfig } from '@weir/mysql';
import {
  defaultSinkOptions,
  silentLogger,
  systemClock,
  type ConnectorContext,
  type Sink,
  type SinkOptions,
} from '@weir/sdk';
import { mysqlSinkConfig } from './config.ts';
import { mysqlSink } from './connector.ts';

/** The `mysql` block of the YAML as an object, and beside it the options that every sink has. */
export interface MysqlSinkOptions extends Partial<SinkOptions>, Omit<ConnectionConfig, 'url' | 'password' | 'connect_timeout'> {
  /** `mysql://user:password@host:port/database`; without it `host`, `user` and the like say where the server is. */
  readonly url?: string;
  readonly password?: string;
  /** How long connecting may take: `15s`, or milliseconds. */
  readonly connect_timeout?: string | number;
  /** How long a commit may stand still before the server ends the session: `5m`, or milliseconds. */
  readonly idle_timeout?: string | number;
  /** Columns that are kept as text: `schema.table.column`, with `*` for any characters. */
  readonly as_text?: readonly string[];
}

/**
 * A MySQL or MariaDB server as a sink, for programs.
 *
 * @throws ZodError when an option is wrong
 */
export function mysql(options: MysqlSinkOptions, context: Partial<ConnectorContext> = {}): Sink {
  const { mode, target, deletes, schemaChanges, onError, memoryBytes, ...config } = { ...defaultSinkOptions, ...options };
  const { pipeline = 'weir', name = 'mysql', log = silentLogger, clock = systemClock } = context;
  return mysqlSink.create(
    mysqlSinkConfig.parse(config),
    { mode, target, deletes, schemaChanges, onError, memoryBytes },
    { pipeline, name, log, clock },
  );
}
