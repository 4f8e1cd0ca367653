import { tableName, type Checkpoint, type Shard, type SinkSession } from '@weir/sdk';
import { abortable } from './abortable.ts';
import { recoverCheckpoint } from './commit.ts';
import type { LaneRecord } from './lane-record.ts';
import type { PipelineOptions } from './pipeline-options.ts';
import { shardFields } from './schema-gate.ts';
import type { SessionStack } from './session-stack.ts';

/** A sink whose fence is taken, and where it is. */
export interface OpenSink {
  readonly name: string;
  readonly shard: Shard;
  readonly session: SinkSession;
  /** Null when it has nothing yet. */
  readonly recovered: Checkpoint | null;
}

export interface OpenSinksOptions extends Pick<PipelineOptions, 'name' | 'sinks' | 'store' | 'log'> {
  readonly records: ReadonlyMap<string, LaneRecord>;
  /** Holds the sessions. */
  readonly sessions: SessionStack;
  /** Aborted when everything has to end at once. */
  readonly ending: AbortSignal;
  /** Aborted when nothing more is to be opened. */
  readonly stopping: AbortSignal;
}

/**
 * Takes every fence before any checkpoint is read. A session that has lost its fence reads none, so there was a moment at
 * which all were this attempt's: what it goes on from is what all sinks held then, and nobody else commits to any of them.
 */
export async function openSinks(options: OpenSinksOptions): Promise<OpenSink[]> {
  const { sinks, sessions, ending, stopping } = options;
  const fenced: Omit<OpenSink, 'recovered'>[] = [];
  for (const [name, sink] of sinks) {
    stopping.throwIfAborted();
    const shard = { pipeline: options.name, sink: name, shard: 0 };
    fenced.push({ name, shard, session: await sessions.add(sink.open(shard, ending), stopping) });
  }
  const open: OpenSink[] = [];
  for (const sink of fenced) {
    const recovered = await abortable(recoverCheckpoint(sink.session, options.store, sink.shard), stopping);
    options.records.get(sink.name)!.checkpoint = recovered?.position ?? null;
    await abortable(stopTables(sink, options), stopping);
    open.push({ ...sink, recovered });
  }
  return open;
}

/** Reads which tables are stopped, and stops those that failed since the sink was last told, before any batch. */
async function stopTables({ session, shard }: Omit<OpenSink, 'recovered'>, { records, log, stopping }: OpenSinksOptions): Promise<void> {
  const { stops } = records.get(shard.sink)!;
  for (const [table, { code, message }] of stops.opened(session.stoppedTables ?? new Map())) {
    log.warn({ ...shardFields(shard), table, code }, `${table} is stopped at this sink: ${message}`);
  }
  for (const { table, reason } of stops.unmarked) {
    await session.stopTable?.(table, reason);
    stopping.throwIfAborted();
    stops.marked(tableName(table), reason);
  }
}
