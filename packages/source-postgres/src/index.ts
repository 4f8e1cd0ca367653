export { postgresConfig, type PostgresConfig } from './config.ts';
export { postgresSource } from './connector.ts';
export { postgres, type PostgresOptions } from './postgres.ts';
export { PostgresSource } from './source.ts';
