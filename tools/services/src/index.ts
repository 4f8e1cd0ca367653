export { command, docker, dockerProblem, imageLabel } from './docker.ts';
export { EmbeddedPostgres, type PostgresOptions } from './embedded-postgres.ts';
export { FaultyProxy } from './faulty-proxy.ts';
export { isAlive } from './is-alive.ts';
export type { StopMode } from './postmaster.ts';
export { VERSION_VARIABLE, defaultVersion, postgresVersions, type PostgresVersion } from './postgres-versions.ts';
export { serviceImages, type ServiceImage } from './service-images.ts';
export { temporaryPostgres, type TemporaryOptions, type TemporaryPostgres } from './temporary-postgres.ts';
