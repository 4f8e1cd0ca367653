import { silentLogger, systemClock, WeirError } from '@weir/sdk';
import { printJson, printLines, tableWidth, type CommandContext } from '../commands/context.ts';
import type { PipelineConfig } from '../config/config.ts';
import { createSink, createSource } from '../parts.ts';
import { verifyPipeline } from '../verify.ts';
import { paintFor } from '../view/paint.ts';
import { verdictLines } from '../view/verdict.ts';

/**
 * Compares every table of the shop with its mirror row by row, and prints what came out. Both sides must be at rest.
 * @throws WeirError WEIR_VERIFY_DIFFERENT
 */
export async function verifyDemo(pipeline: PipelineConfig, context: CommandContext, json: boolean): Promise<void> {
  const connector = { pipeline: pipeline.name, log: silentLogger, clock: systemClock };
  const source = createSource(pipeline.source, { ...connector, name: 'source' });
  const sinks = pipeline.sinks.map((block) => {
    const { name, options } = block;
    return { name, sink: createSink(block, { ...connector, name }), mode: options.mode, stopped: [] };
  });
  // Not the signal of the command: it has asked for the end, of which this is a part. A second one ends the process.
  const verdicts = await verifyPipeline(source, sinks, new AbortController().signal);
  const equal = verdicts.every((verdict) => verdict.equal);
  const paint = paintFor(context.stdout);
  const view = { width: tableWidth(context), paint };
  if (json) printJson(context, { equal, pipelines: [{ pipeline: pipeline.name, sinks: verdicts }] });
  else for (const verdict of verdicts) printLines(context, ['', ...verdictLines(verdict, view)]);
  if (equal) return;
  throw new WeirError('WEIR_VERIFY_DIFFERENT', 'the shop and its mirror differ; the first differing keys are above');
}
