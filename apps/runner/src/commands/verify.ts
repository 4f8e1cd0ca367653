import type { TableStop } from '@weir/engine';
import { silentLogger, systemClock, WeirError } from '@weir/sdk';
import type { Config, PipelineConfig } from '../config/config.ts';
import type { RuntimeStatus } from '../runtime-status.ts';
import type { SinkVerdict } from '../verify.ts';
import { interruptible, printJson, printLines, tableWidth, type CommandContext } from './context.ts';
import { examples, type Register } from './register.ts';

interface VerifyOptions {
  readonly json?: true;
  readonly pipeline?: string;
}

interface PipelineVerdict {
  readonly pipeline: string;
  readonly sinks: readonly SinkVerdict[];
}

export const registerVerify: Register = (program, context) => {
  program
    .command('verify')
    .summary('compare source and sinks row by row')
    .description(
      'Compares every table of the source with each sink: row counts, every value of every column, duplicates. ' +
        'Both sides are read as they are now, so catch up first, and let nobody write to the source meanwhile. ' +
        'Tables that are stopped at a sink are listed and left out; a sink in `mode: append` cannot be compared.',
    )
    .argument('<file>', 'the configuration')
    .option('--pipeline <name>', 'this pipeline only')
    .option(
      '--json',
      'print as JSON: {equal, pipelines: [{pipeline, sinks: [{sink, equal, note, tables: [verdict], stopped: ' +
        '[{table, code, message}]}]}]}; a sink’s equal is null when it cannot be compared, and note says why',
    )
    .addHelpText('after', examples('weir run weir.yaml --until-caught-up && weir verify weir.yaml'))
    .action(async (file: string, options: VerifyOptions) => await interruptible(context, verify(file, options, context)));
};

async function verify(file: string, options: VerifyOptions, context: CommandContext): Promise<void> {
  const { openConfig } = await import('./open-config.ts');
  const { choosePipelines } = await import('../runtime.ts');
  const config = openConfig(file, context);
  const pipelines = choosePipelines(config, options.pipeline);
  await refuseWhileRunning(config, context.signal);
  const verdicts: PipelineVerdict[] = [];
  const { recallStatus } = await import('../runtime-status.ts');
  const statuses = recallStatus(config.stateDirectory);
  for (const pipeline of pipelines) {
    const stopped = stoppedTables(pipeline, statuses.get(pipeline.name));
    verdicts.push({ pipeline: pipeline.name, sinks: await verifyOne(pipeline, stopped, context) });
  }
  const different = verdicts.flatMap(({ pipeline, sinks }) =>
    sinks.filter(({ equal }) => equal === false).map(({ sink }) => `${pipeline} → ${sink}`),
  );
  if (options.json) printJson(context, { equal: different.length === 0, pipelines: verdicts });
  else await printVerdicts(verdicts, context);
  if (different.length === 0) return;
  throw new WeirError('WEIR_VERIFY_DIFFERENT', `source and sink differ: ${different.join(', ')}`, {
    fix:
      `Catch up first, with the source at rest: weir run ${file} --until-caught-up. ` +
      'If they differ then, the keys above are where to look.',
  });
}

async function refuseWhileRunning(config: Config, signal: AbortSignal): Promise<void> {
  const { ApiClient } = await import('../api/client.ts');
  const running = await ApiClient.find(config.stateDirectory, signal);
  if (running === null) return;
  throw new WeirError(
    'WEIR_STORE_LOCKED',
    `weir runs these pipelines now (process ${running.status.pid}) and has the sinks open`,
    {
      fix: `Stop it, catch up with \`weir run ${config.file} --until-caught-up\`, then verify.`,
    },
  );
}

/** As the last run remembered them, by sink: a sink tells them only to who takes its fence. */
function stoppedTables({ name, sinks }: PipelineConfig, last: RuntimeStatus | undefined): Map<string, readonly TableStop[]> {
  const status = last?.pipelines.find((pipeline) => pipeline.name === name);
  return new Map(sinks.map((sink) => [sink.name, status?.sinks[sink.name]?.stoppedTables ?? []]));
}

async function verifyOne(
  pipeline: PipelineConfig,
  stopped: ReadonlyMap<string, readonly TableStop[]>,
  { signal, stderr }: CommandContext,
): Promise<SinkVerdict[]> {
  const { createSink, createSource } = await import('../runtime.ts');
  const { verifyPipeline } = await import('../verify.ts');
  const { rows } = await import('../view/quantities.ts');
  const context = { pipeline: pipeline.name, log: silentLogger, clock: systemClock };
  const source = createSource(pipeline.source, { ...context, name: 'source' });
  const sinks = pipeline.sinks.map((block) => {
    const { name, options } = block;
    return { name, sink: createSink(block, { ...context, name }), mode: options.mode, stopped: stopped.get(name) ?? [] };
  });
  const progress = stderr.isTTY;
  try {
    return await verifyPipeline(source, sinks, signal, (sink, { table, sourceRows }) => {
      if (progress) stderr.write(`\r\u001B[K${sink}: ${table}, ${rows(sourceRows)}`.slice(0, stderr.columns));
    });
  } finally {
    if (progress) stderr.write('\r\u001B[K');
  }
}

async function printVerdicts(verdicts: readonly PipelineVerdict[], context: CommandContext): Promise<void> {
  const { paintFor } = await import('../view/paint.ts');
  const { verdictLines } = await import('../view/verdict.ts');
  const paint = paintFor(context.stdout);
  for (const { pipeline, sinks } of verdicts) {
    for (const verdict of sinks) {
      const lines = verdictLines(verdict, { width: tableWidth(context), paint });
      printLines(context, [paint.bold(`${pipeline} → ${verdict.sink}`), ...lines, '']);
    }
  }
}
