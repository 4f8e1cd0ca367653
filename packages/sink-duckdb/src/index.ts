export { duckdbConfig, type DuckdbConfig } from './config.ts';
export { duckdbSink } from './connector.ts';
export { duckdb } from './duckdb.ts';
export { columnType } from './types.ts';
