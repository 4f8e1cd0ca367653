import { silentLogger, systemClock, type ConnectorContext } from '@weir/sdk';
import { postgresConfig, type PostgresConfig } from './config.ts';
import { PostgresSource } from './source.ts';

/** The `postgres` block of the YAML as an object; what is left out has its default. */
export interface PostgresOptions extends Partial<Omit<PostgresConfig, 'url' | 'snapshot'>> {
  /** `postgres://user:password@host:port/database`; without it `service` says where the server is. */
  readonly url?: string | undefined;
  readonly snapshot?: Partial<PostgresConfig['snapshot']> | undefined;
}

/**
 * A PostgreSQL database as a source, for programs.
 *
 * @param context `pipeline` names the slot and the publication, `weir_<pipeline>`, unless `options` do; by default `weir`.
 *   Nothing is logged unless `log` is given.
 * @throws ZodError when an option is wrong
 */
export function postgres(options: PostgresOptions, context: Partial<ConnectorContext> = {}): PostgresSource {
  const { pipeline = 'weir', name = 'source', log = silentLogger, clock = systemClock } = context;
  return new PostgresSource(postgresConfig.parse(options), { pipeline, name, log, clock });
}
