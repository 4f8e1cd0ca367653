import type { RuntimeStatus } from '../runtime-status.ts';
import type { Config, PipelineConfig } from '../config/config.ts';
import type { PipelineVerdict } from '../verify-file.ts';
import { WeirError } from '@weir/sdk';
import { interruptible, printJson, printLines, tableWidth, type CommandContext } from './context.ts';
import { examples, type Register } from './register.ts';

interface VerifyOptions {
  readonly json?: true;
  readonly pipeline?: string;
}

export const registerVerify: Register = (program, context) => {
  program
    .command('verify')
    .summary('compare source and sinks row by row')
    .description(
      'Compares every table of the source with each sink: row counts, every value of every column, duplicates. ' +
        'Both sides are read as they are now, so catch up first, and let nobody write to the source meanwhile; while ' +
        '`weir run` is up it answers, and rows that are on their way differ. ' +
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
  const { resolve } = await import('node:path');
  const { openConfig } = await import('./open-config.ts');
  const { choosePipelines } = await import('../config/choose-pipelines.ts');
  const { ApiClient } = await import('../api/client.ts');
  const config = openConfig(file, context);
  const pipelines = choosePipelines(config, options.pipeline);
  const running = await ApiClient.find(config.stateDirectory, context.signal);
  const verdicts =
    running === null
      ? await verifyHere(config, pipelines, context)
      : await running.client.verify({ file: resolve(file), pipeline: options.pipeline }, context.signal);
  const different = verdicts.flatMap(({ pipeline, sinks }) =>
    sinks.filter(({ equal }) => equal === false).map(({ sink }) => `${pipeline} → ${sink}`),
  );
  if (options.json) printJson(context, { equal: different.length === 0, pipelines: verdicts });
  else await printVerdicts(verdicts, context);
  if (different.length === 0) return;
  throw new WeirError('WEIR_VERIFY_DIFFERENT', `source and sink differ: ${different.join(', ')}`, {
    fix:
      running === null
        ? `Catch up first, with the source at rest: weir run ${file} --until-caught-up. ` +
          'If they differ then, the keys above are where to look.'
        : 'Rows that are on their way differ too: ask again with the source at rest. If they differ then, ' +
          `\`weir repair ${file}\` reads those tables again.`,
  });
}

async function verifyHere(
  config: Config,
  pipelines: readonly PipelineConfig[],
  { signal, stderr }: CommandContext,
): Promise<PipelineVerdict[]> {
  const { recallStatus } = await import('../runtime-status.ts');
  const { verifyFile } = await import('../verify-file.ts');
  const { rows } = await import('../view/quantities.ts');
  const remembered = [...recallStatus(config.stateDirectory)];
  const statuses = new Map(remembered.flatMap(([name, status]) => statusOf(name, status)));
  const progress = stderr.isTTY;
  try {
    return await verifyFile(pipelines, statuses, signal, (sink, { table, sourceRows }) => {
      if (progress) stderr.write(`\r\u001B[K${sink}: ${table}, ${rows(sourceRows)}`.slice(0, stderr.columns));
    });
  } finally {
    if (progress) stderr.write('\r\u001B[K');
  }
}

function statusOf(name: string, { pipelines }: RuntimeStatus): [string, RuntimeStatus['pipelines'][number]][] {
  return pipelines.filter((pipeline) => pipeline.name === name).map((pipeline) => [name, pipeline]);
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
