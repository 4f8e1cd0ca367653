import type { CopyAgain } from '@weir/sdk';
import { interruptible, printJson, type CommandContext } from './context.ts';
import { examples, type Register } from './register.ts';

interface CopyOptions {
  readonly wait: boolean;
  readonly json?: true;
  readonly pipeline?: string;
}

const JSON_SHAPE = 'print as JSON: {pipeline, how, tables: [table], leftOut: [{table, why}], done}';

export const registerSnapshot: Register = (program, context) => {
  program
    .command('snapshot')
    .summary('read tables once more, over what the sinks have of them')
    .description(
      'Has the running process read the tables once more, by key, over the rows that sinks have, while the stream goes on. ' +
        'Mirrors end as the source is: what was changed, lost or added there by others is put right, and readers never see ' +
        'an empty table. Refused where a sink keeps a history. Without tables: all that are copied by key; those ' +
        'that are not are listed and left out.',
    )
    .argument('<file>', 'the configuration')
    .argument('[tables...]', 'tables as the source names them, schema.table')
    .option('--pipeline <name>', 'when several pipelines run')
    .option('--no-wait', 'return when it has begun, not when every sink holds it')
    .option('--json', JSON_SHAPE)
    .addHelpText('after', examples('weir snapshot weir.yaml', 'weir snapshot weir.yaml public.orders --no-wait'))
    .action(async (file: string, tables: string[], options: CopyOptions) => {
      await interruptible(context, copy(file, tables, 'in-place', options, context));
    });
};

export const registerRepair: Register = (program, context) => {
  program
    .command('repair')
    .summary('compare tables by ranges of keys, and write what differs')
    .description(
      'Has the running process read the tables once more, by key, and each mirror compare what comes with what it has there: ' +
        'a range of keys that is the same is left alone, one that differs is written anew. Nobody has to stop writing ' +
        'meanwhile; a mirror gets no changes of keys that were not compared yet until they are. Without tables: all that ' +
        'are copied by key; those that are not are listed and left out. Refused where a sink keeps a history.',
    )
    .argument('<file>', 'the configuration')
    .argument('[tables...]', 'tables as the source names them, schema.table')
    .option('--pipeline <name>', 'when several pipelines run')
    .option('--no-wait', 'return when it has begun, not when every sink is repaired')
    .option('--json', `${JSON_SHAPE.slice(0, -1)}, repairs: {sink: {table: {ranges, different, rows}}}}`)
    .addHelpText('after', examples('weir repair weir.yaml', 'weir repair weir.yaml public.orders --json'))
    .action(async (file: string, tables: string[], options: CopyOptions) => {
      await interruptible(context, copy(file, tables, 'repair', options, context));
    });
};

export const registerResync: Register = (program, context) => {
  program
    .command('resync')
    .summary('start tables over at the sinks')
    .description(
      'Has the running process start tables over: the sinks make them anew and empty, and all rows are copied, while the ' +
        'other tables go on. It also takes the mark off a table that is stopped at a sink. Needs `weir run`.',
    )
    .argument('<file>', 'the configuration')
    .argument('<tables...>', 'tables as the source names them, schema.table')
    .option('--pipeline <name>', 'when several pipelines run')
    .option('--no-wait', 'return when it has begun, not when every sink holds it')
    .option('--json', JSON_SHAPE)
    .addHelpText('after', examples('weir resync weir.yaml public.orders', 'weir resync weir.yaml public.orders public.lines --json'))
    .action(async (file: string, tables: string[], options: CopyOptions) => {
      await interruptible(context, copy(file, tables, 'anew', options, context));
    });
};

async function copy(
  file: string,
  tables: readonly string[],
  how: CopyAgain,
  { wait, json, pipeline }: CopyOptions,
  context: CommandContext,
): Promise<void> {
  const { openConfig } = await import('./open-config.ts');
  const { choosePipelines } = await import('../config/choose-pipelines.ts');
  const { runningProcess } = await import('./running-process.ts');
  const { copyWithProgress, printCopy } = await import('./copy-again.ts');
  const config = openConfig(file, context);
  choosePipelines(config, pipeline);
  const client = await runningProcess(config, 'a copy', context);
  const answer = await copyWithProgress(client, { pipeline, tables, how, wait }, context);
  if (json) printJson(context, answer);
  else await printCopy(answer, file, context);
}
