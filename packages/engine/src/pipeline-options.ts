import type { Clock, Logger, Sink, Source, Transform } from '@weir/sdk';
import type { Store } from '@weir/store';
import type { RetryPolicy } from './retry.ts';

/** What a pipeline is made of. */
export interface PipelineOptions {
  readonly name: string;
  readonly source: Source;
  readonly sinks: ReadonlyMap<string, Sink>;
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
