import type { Command } from 'commander';
import type { Config } from '../config/config.ts';
import type { PipelinePlan } from '../plan.ts';
import { interruptible, printJson, printLines, tableWidth, type CommandContext } from './context.ts';
import { examples, type Register } from './register.ts';

/** What a finding exits with that has no code of an error. */
const REFUSED = 2;

const JSON_SHAPE =
  'print as JSON: {file, ok, pipelines: [{pipeline, source: {connector, tables: [{table, key, insertsOnly, ' +
  'estimatedRows, copy, columns: [{column, sourceType, logicalType, nullable}]}], removed: [table], changes: [SQL]}, sinks: [{sink, connector, delivery: {class, mechanism, limit}, mode, ' +
  'deletes, schemaChanges, onError, tables: [{table, target, action, columns: [{column, sourceType, logicalType, sinkType, ' +
  'note}]}]}], grants: [SQL], findings: [{pipeline, part, connector, table, code, level, message, fix, path, line, column}]}]}';

interface PlanOptions {
  readonly json?: true;
  readonly pipeline?: string;
  readonly verbose?: true;
}

export const registerPlan: Register = (program, context) => {
  program
    .command('plan')
    .summary('show what a start would copy, make and change, table by table')
    .description(
      'Shows what a start would make or change at the source and how each table would be copied, then what each becomes at ' +
        'each sink: its name and columns there, what is different or lost, how it is delivered, what would be refused, and ' +
        'the rights that are missing, as SQL. Changes nothing. Exits with 2 (or the code’s own) when ' +
        'something is refused. With --verbose every column is shown, not only those with something to say.',
    )
    .argument('<file>', 'the configuration')
    .option('--pipeline <name>', 'this pipeline only')
    .option('--json', JSON_SHAPE)
    .addHelpText('after', examples('weir plan weir.yaml', 'weir plan weir.yaml --pipeline shop --json'))
    .action(
      async (file: string, _: unknown, command: Command) =>
        await interruptible(context, plan(file, command.optsWithGlobals<PlanOptions>(), context)),
    );
};

async function plan(file: string, options: PlanOptions, context: CommandContext): Promise<void> {
  const { resolve } = await import('node:path');
  const { openConfig } = await import('./open-config.ts');
  const { choosePipelines } = await import('../config/choose-pipelines.ts');
  const { planPipelines } = await import('../plan.ts');
  const { firstError } = await import('../check.ts');
  const { ApiClient } = await import('../api/client.ts');
  const config = openConfig(file, context);
  const chosen = choosePipelines(config, options.pipeline);
  const running = await ApiClient.find(config.stateDirectory, context.signal);
  const pipelines =
    running === null
      ? await planPipelines(config, chosen, null, context.signal)
      : await running.client.plan({ file: resolve(file), pipeline: options.pipeline }, context.signal);
  const findings = pipelines.flatMap((planned) => planned.findings);
  const error = firstError(findings, REFUSED);
  if (options.json) printJson(context, { file, ok: error === null, pipelines });
  else await printPlans(config, pipelines, options, context);
  if (error !== null) process.exitCode = error.exit;
}

async function printPlans(
  config: Config,
  plans: readonly PipelinePlan[],
  { verbose = false }: { verbose?: boolean },
  context: CommandContext,
): Promise<void> {
  const { paintFor } = await import('../view/paint.ts');
  const { planLines } = await import('../view/plan.ts');
  const paint = paintFor(context.stdout);
  const options = { width: tableWidth(context), paint, verbose };
  for (const planned of plans) printLines(context, [...planLines(config.file, planned, options), '']);
  const problems = plans.flatMap(({ findings }) => findings).filter(({ level }) => level === 'error').length;
  const verdict =
    problems === 0 ? paint.good('nothing is refused') : paint.bad(`${problems} ${problems === 1 ? 'problem' : 'problems'}`);
  printLines(context, [`${config.file}: ${verdict}`]);
}
