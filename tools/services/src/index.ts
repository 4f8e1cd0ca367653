export { EmbeddedPostgres, type PostgresOptions } from './embedded-postgres.ts';
export type { StopMode } from './postmaster.ts';
export { temporaryPostgres, type TemporaryPostgres } from './temporary-postgres.ts';
