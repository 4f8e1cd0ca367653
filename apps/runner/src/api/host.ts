import type { Sink } from '@weir/sdk';
import type { RuntimeStatus } from '../runtime-status.ts';
import type { Copies } from './copies.ts';

/** What the API asks of the process that runs pipelines. */
export interface ApiHost {
  /** For the configurations that it is asked about. */
  readonly env: Readonly<Record<string, string | undefined>>;
  status(): RuntimeStatus;
  /** The sinks of a pipeline by name; undefined when it does not run here. */
  sinks(pipeline: string): ReadonlyMap<string, Sink> | undefined;
  /** How tables of a pipeline are copied once more; undefined when it does not run here. */
  copies(pipeline: string): Copies | undefined;
}
