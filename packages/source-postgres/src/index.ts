export { postgresConfig, type PostgresConfig } from './config.ts';
export { postgresSource } from './connector.ts';
export { PostgresSource } from './source.ts';
