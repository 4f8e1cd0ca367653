export { postgresSinkConfig, type PostgresSinkConfig } from './config.ts';
export { postgresSink } from './connector.ts';
export { postgres, type PostgresSinkOptions } from './postgres.ts';
export { columnType } from './types.ts';
