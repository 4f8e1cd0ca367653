import type { Finding } from '../check.ts';
import type { Config } from '../config/config.ts';
import { interruptible, printJson, printLines, tableWidth, type CommandContext } from './context.ts';
import { examples, type Register } from './register.ts';

interface CheckOptions {
  readonly json?: true;
  readonly pipeline?: string;
}

export const registerCheck: Register = (program, context) => {
  program
    .command('check')
    .summary('check a file, its sources and its sinks')
    .description('Checks a file, then whether each source and sink can be reached and is set up as the pipeline needs it.')
    .argument('<file>', 'the configuration')
    .option('--pipeline <name>', 'this pipeline only')
    .option(
      '--json',
      'print as JSON: {file, ok, findings: [{pipeline, part, connector, code, level, message, fix, path, line, column}]}',
    )
    .addHelpText('after', examples('weir check weir.yaml', 'weir check weir.yaml --json'))
    .action(async (file: string, options: CheckOptions) => await interruptible(context, check(file, options, context)));
};

async function check(file: string, options: CheckOptions, context: CommandContext): Promise<void> {
  const { resolve } = await import('node:path');
  const { openConfig } = await import('./open-config.ts');
  const { choosePipelines } = await import('../config/choose-pipelines.ts');
  const { checkPipeline, firstError } = await import('../check.ts');
  const { ApiClient } = await import('../api/client.ts');
  const config = openConfig(file, context);
  const pipelines = choosePipelines(config, options.pipeline);
  const running = await ApiClient.find(config.stateDirectory, context.signal);
  const findings: Finding[] = [];
  if (running !== null) findings.push(...(await running.client.check({ file: resolve(file), pipeline: options.pipeline }, context.signal)));
  else for (const pipeline of pipelines) findings.push(...(await checkPipeline(config, pipeline, null, context.signal)));
  const error = firstError(findings);
  if (options.json) printJson(context, { file, ok: error === null, findings });
  else await printFindings(config, findings, context);
  if (error !== null) process.exitCode = error.exit;
}

async function printFindings(config: Config, findings: readonly Finding[], context: CommandContext): Promise<void> {
  const { paintFor } = await import('../view/paint.ts');
  const { findingLines } = await import('../view/finding.ts');
  const paint = paintFor(context.stdout);
  printLines(context, findingLines(config.file, findings, { width: tableWidth(context), paint }));
  const problems = findings.filter(({ level }) => level === 'error').length;
  const verdict =
    problems === 0 ? paint.good('ready to run') : paint.bad(`${problems} ${problems === 1 ? 'problem' : 'problems'}`);
  printLines(context, ['', `${config.file}: ${verdict}`]);
}
