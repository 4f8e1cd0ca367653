import type { PipelineStatus, SinkStatus } from '@weir/engine';
import type { Json } from '@weir/sdk';
import { readHints, type Store } from '@weir/store';

/** What a process that runs pipelines says of itself: `/v1/status` and `weir status --json`. */
export interface RuntimeStatus {
  /** When this was so, in ms since 1970. */
  readonly at: number;
  readonly pid: number;
  /** In ms since 1970. */
  readonly startedAt: number;
  readonly pipelines: readonly PipelineStatus[];
}

const HINT = 'status';

/** Remembers how a pipeline was, so that `weir status` answers when nothing runs. A hint for people, never a truth. */
export async function rememberStatus(store: Store, status: RuntimeStatus): Promise<void> {
  for (const pipeline of status.pipelines) {
    await store.saveHint(pipeline.name, HINT, { ...status, pipelines: [pipeline] } as unknown as Json);
  }
}

/**
 * The last status of each pipeline that ran with this state directory, by name; none when nothing ever ran.
 * @throws WeirError WEIR_STORE_*; WEIR_STORE_LOCKED when a process has it open
 */
export function recallStatus(stateDirectory: string): ReadonlyMap<string, RuntimeStatus> {
  const hints = readHints(stateDirectory).filter(({ name }) => name === HINT);
  return new Map(hints.map(({ pipeline, value }) => [pipeline, completed(value as unknown as RuntimeStatus)]));
}

/** What a version before this one remembered has no schema changes and no stopped tables. */
function completed(status: RuntimeStatus): RuntimeStatus {
  const added = { schemaChanges: [], schemaChangeTotals: {}, stoppedTables: [] };
  const sinkOf = (sink: SinkStatus): SinkStatus => ({ ...added, ...sink });
  const pipelines = status.pipelines.map((pipeline) => ({
    ...pipeline,
    sinks: Object.fromEntries(Object.entries(pipeline.sinks).map(([name, sink]) => [name, sinkOf(sink)])),
  }));
  return { ...status, pipelines };
}
