import { silentLogger, systemClock, type ConnectorContext } from '@weir/sdk';
import { mysqlConfig, type MysqlConfig } from './config.ts';
import { MysqlSource } from './source.ts';

/** The `mysql` block of the YAML as an object; what is left out has its default. */
export interface MysqlOptions extends Partial<Omit<MysqlConfig, 'url' | 'password' | 'connect_timeout' | 'snapshot' | 'tables'>> {
  /** `mysql://user:password@host:port`; without it `host`, `user` and the like say where the server is. */
  readonly url?: string | undefined;
  readonly password?: string | undefined;
  /** How long connecting may take: `15s`, or milliseconds. */
  readonly connect_timeout?: string | number | undefined;
  readonly tables: readonly string[];
  readonly snapshot?: Partial<MysqlConfig['snapshot']> | undefined;
}

/**
 * A MySQL or MariaDB server as a source, for programs.
 *
 * @param context `pipeline` makes the server id, unless `options` have one; by default `weir`. Nothing is logged unless `log` is
 *   given. Without `folder` an XA transaction of two phases that changes a captured table is refused.
 * @throws ZodError when an option is wrong
 */
export function mysql(options: MysqlOptions, context: Partial<ConnectorContext> = {}): MysqlSource {
  const { pipeline = 'weir', name = 'source', log = silentLogger, clock = systemClock, folder } = context;
  return new MysqlSource(mysqlConfig.parse(options), { pipeline, name, log, clock, folder });
}
