export { postgresSinkConfig, type PostgresSinkConfig } from './config.ts';
export { postgresSink } from './connector.ts';
export { columnType } from './types.ts';
