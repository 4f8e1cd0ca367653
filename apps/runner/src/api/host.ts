import type { Sink } from '@weir/sdk';
import type { RuntimeStatus } from '../runtime-status.ts';

/** What the API asks of the process that runs pipelines. */
export interface ApiHost {
  status(): RuntimeStatus;
  /** The sinks of a pipeline by name; undefined when it does not run here. */
  sinks(pipeline: string): ReadonlyMap<string, Sink> | undefined;
}
