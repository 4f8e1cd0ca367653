export { ApiClient } from './api/client.ts';
export type { Config, ConfigPath, HttpAddress, PipelineConfig, SinkConfig, SourceConfig } from './config/config.ts';
export { ConfigErrors } from './config/config-errors.ts';
export { loadConfig } from './config/load.ts';
export { connectors, type Connectors, type Registered } from './connectors.ts';
export { createLog, type LogOptions } from './log.ts';
export { SeededRandom } from './demo/seeded-random.ts';
export { startRuntime, type Runtime, type RuntimeOptions } from './runtime.ts';
export type { RuntimeStatus } from './runtime-status.ts';
