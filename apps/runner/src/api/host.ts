import type { OrderedCopy } from '@weir/engine';
import type { CopyAgain, Sink, Source } from '@weir/sdk';
import type { RuntimeStatus } from '../runtime-status.ts';

/** How tables of one running pipeline are copied once more. */
export interface Copies {
  readonly source: Source;
  begin(tables: readonly string[], how: CopyAgain): Promise<OrderedCopy>;
}

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
