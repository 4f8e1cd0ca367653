import type { PipelineStatus, TableVerdict } from '@weir/engine';
import { silentLogger, systemClock } from '@weir/sdk';
import type { PipelineConfig } from './config/config.ts';
import { createSink, createSource } from './parts.ts';
import { verifyPipeline, type SinkVerdict } from './verify.ts';

export interface PipelineVerdict {
  readonly pipeline: string;
  readonly sinks: readonly SinkVerdict[];
}

/**
 * Compares the sinks of pipelines with their sources.
 * @param statuses by pipeline, as they run or last ran: a sink tells the tables that are stopped only to who takes its fence
 */
export async function verifyFile(
  pipelines: readonly PipelineConfig[],
  statuses: ReadonlyMap<string, PipelineStatus>,
  signal: AbortSignal,
  onTable: (sink: string, verdict: TableVerdict) => void = () => undefined,
): Promise<PipelineVerdict[]> {
  const verdicts: PipelineVerdict[] = [];
  for (const pipeline of pipelines) {
    const context = { pipeline: pipeline.name, log: silentLogger, clock: systemClock };
    const status = statuses.get(pipeline.name);
    const source = createSource(pipeline.source, { ...context, name: 'source' });
    const sinks = pipeline.sinks.map((block) => {
      const { name, options } = block;
      const stopped = status?.sinks[name]?.stoppedTables ?? [];
      return { name, sink: createSink(block, { ...context, name }), mode: options.mode, stopped };
    });
    verdicts.push({ pipeline: pipeline.name, sinks: await verifyPipeline(source, sinks, signal, onTable) });
  }
  return verdicts;
}
