export { Pipeline, type PipelineOptions } from './pipeline.ts';
export type { PipelineFailure, PipelineState, PipelineStatus, RowCounters, SinkStatus } from './status.ts';
