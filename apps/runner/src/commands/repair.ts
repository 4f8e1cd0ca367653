import { silentLogger, systemClock, tableName, WeirError } from '@weir/sdk';
import type { PipelineConfig } from '../config/config.ts';
import type { PipelineVerdict } from '../verify-file.ts';
import { interruptible, printJson, printLines, type CommandContext } from './context.ts';
import { examples, type Register } from './register.ts';

interface RepairOptions {
  readonly wait: boolean;
  readonly json?: true;
  readonly pipeline?: string;
}

export const registerRepair: Register = (program, context) => {
  program
    .command('repair')
    .summary('find the tables that differ at a sink, and read those again')
    .description(
      'Compares source and sinks as `verify` does, through the running process, then has each table that differs read once ' +
        'more in place, as `snapshot` does: the whole of it, not only the rows that differ. Tables that are equal are left ' +
        'alone. A table that is written to meanwhile may differ only since rows are on their way; to read it again does no ' +
        'harm. Tables that are not copied by key are left out: `resync` copies them anew.',
    )
    .argument('<file>', 'the configuration')
    .argument('[tables...]', 'only these, schema.table')
    .option('--pipeline <name>', 'when several pipelines run')
    .option('--no-wait', 'return when it has begun, not when every sink holds it')
    .option('--json', 'print as JSON: {pipeline, how, different: [table], tables: [table], leftOut: [{table, why}], done}')
    .addHelpText('after', examples('weir repair weir.yaml', 'weir repair weir.yaml public.orders --json'))
    .action(async (file: string, tables: string[], options: RepairOptions) => {
      await interruptible(context, repair(file, tables, options, context));
    });
};

async function repair(file: string, only: readonly string[], options: RepairOptions, context: CommandContext): Promise<void> {
  const { resolve } = await import('node:path');
  const { openConfig } = await import('./open-config.ts');
  const { choosePipelines } = await import('../config/choose-pipelines.ts');
  const { runningProcess } = await import('./running-process.ts');
  const { copyWithProgress, printCopy } = await import('./copy-again.ts');
  const config = openConfig(file, context);
  const pipeline = onePipeline(choosePipelines(config, options.pipeline));
  const client = await runningProcess(config, 'a repair', context);
  const [verdict] = await client.verify({ file: resolve(file), pipeline: pipeline.name }, context.signal);
  const different = differentTables(verdict!).filter((table) => only.length === 0 || only.includes(table));
  const { tables, leftOut } = await copiedByKey(pipeline, different, context.signal);
  const request = { pipeline: pipeline.name, tables, how: 'in-place', wait: options.wait } as const;
  // Without tables it would be a copy of all of them.
  const copied =
    tables.length === 0
      ? { pipeline: pipeline.name, how: request.how, tables, leftOut: [], done: true }
      : await copyWithProgress(client, request, context);
  const answer = { ...copied, leftOut };
  if (options.json) return printJson(context, { different, ...answer });
  if (different.length === 0) return printLines(context, [`${pipeline.name}: nothing differs`]);
  await printCopy(answer, file, context);
}

function onePipeline(pipelines: readonly PipelineConfig[]): PipelineConfig {
  if (pipelines.length === 1) return pipelines[0]!;
  const names = pipelines.map(({ name }) => name).join(', ');
  throw new WeirError('WEIR_USAGE', 'the file has several pipelines', { fix: `Say which with --pipeline: ${names}.` });
}

/** Those that differ at any of the sinks. */
function differentTables({ sinks }: PipelineVerdict): string[] {
  const tables = sinks.flatMap((sink) => sink.tables.filter(({ equal }) => !equal).map(({ table }) => table));
  return [...new Set(tables)];
}

async function copiedByKey(
  { name, source }: PipelineConfig,
  different: readonly string[],
  signal: AbortSignal,
): Promise<{ tables: string[]; leftOut: { table: string; why: string }[] }> {
  const { createSource } = await import('../parts.ts');
  const opened = createSource(source, { pipeline: name, name: 'source', log: silentLogger, clock: systemClock });
  const planned = (await opened.plan?.(signal))?.tables ?? [];
  const other = new Set(planned.filter(({ copy }) => copy !== 'by-key').map(({ table }) => tableName(table)));
  const leftOut = different.filter((table) => other.has(table));
  return {
    tables: different.filter((table) => !other.has(table)),
    leftOut: leftOut.map((table) => ({ table, why: 'it is not copied by key: `weir resync` copies it anew' })),
  };
}
