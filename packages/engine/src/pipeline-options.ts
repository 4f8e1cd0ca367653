import { schemaPolicies, type Clock, type Logger, type Sink, type Source, type Transform } from '@weir/sdk';
import type { Store } from '@weir/store';
import type { RetryPolicy } from './retry.ts';
import type { SinkPolicies } from './schema-gate.ts';

/** What a pipeline is made of. */
export interface PipelineOptions {
  readonly name: string;
  readonly source: Source;
  readonly sinks: ReadonlyMap<string, Sink>;
  /** By the sink's name. A sink without has `schemaPolicies('apply')`, and any error stops the pipeline. */
  readonly sinkOptions?: ReadonlyMap<string, SinkPolicies>;
  readonly transforms?: readonly Transform[];
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** Bound on the bytes of batches in memory (invariant 8). */
  readonly bufferBytes: number;
  /** How long `stop` may drain, in ms. */
  readonly shutdownTimeoutMs: number;
  readonly retry?: RetryPolicy;
}

const defaultPolicies: SinkPolicies = { schemaChanges: schemaPolicies('apply'), onError: 'stop' };

export function policiesOf({ sinkOptions }: PipelineOptions, sink: string): SinkPolicies {
  return sinkOptions?.get(sink) ?? defaultPolicies;
}
