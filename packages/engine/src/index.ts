export type { OrderedCopy } from './copy-orders.ts';
export { Pipeline } from './pipeline.ts';
export type { PipelineOptions, PipelineSettings } from './pipeline-options.ts';
export type { SchemaAction, SchemaEvent } from './schema-events.ts';
export type { SinkPolicies } from './schema-gate.ts';
export type {
  PipelineFailure,
  PipelineState,
  PipelineStatus,
  RepairTally,
  RowCounters,
  SinkStatus,
  TableStop,
} from './status.ts';
export { verifyTable, type DifferingKey, type Scan, type TableVerdict, type VerifyOptions } from './verify.ts';
