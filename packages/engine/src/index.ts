export { Pipeline } from './pipeline.ts';
export type { PipelineOptions } from './pipeline-options.ts';
export type { PipelineFailure, PipelineState, PipelineStatus, RowCounters, SinkStatus } from './status.ts';
export { verifyTable, type DifferingKey, type Scan, type TableVerdict, type VerifyOptions } from './verify.ts';
