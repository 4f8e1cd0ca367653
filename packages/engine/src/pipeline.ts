import type { Clock, Logger, Position, Sink, Source, Transform } from '@weir/sdk';
import type { Store } from '@weir/store';
import type { PipelineStatus } from './status.ts';

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
}

/** One source and its sinks: runs, retries, drains and tells how it is. */
export class Pipeline {
  constructor(_options: PipelineOptions) {}

  /** Runs until `stop`, `finishAt` or an error that retrying cannot mend. @throws WeirError */
  async run(): Promise<void> {}

  /** Stops pulling, commits what can be committed, confirms, and lets `run` resolve. */
  stop(): void {}

  /** Delivers everything up to `position`, then lets `run` resolve. May be called before or during `run`. */
  finishAt(_position: Position): void {}

  status(): PipelineStatus {
    throw new Error('written next');
  }
}
