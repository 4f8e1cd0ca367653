import type { Command } from 'commander';
import type { DiscoveredSource } from '../discover.ts';
import { interruptible, printJson, printLines, tableWidth, type CommandContext } from './context.ts';
import { examples, type Register } from './register.ts';

interface DiscoverOptions {
  readonly json?: true;
  readonly pipeline?: string;
  readonly verbose?: true;
}

const JSON_SHAPE =
  'print as JSON: {pipelines: [{pipeline, connector, tables: [{table, key, estimatedRows, captured, copy, note, problem, ' +
  'columns: [{column, sourceType, logicalType, nullable}]}], others: [{table, why}]}]}';

export const registerDiscover: Register = (program, context) => {
  program
    .command('discover')
    .summary('list the tables of the sources, and how each would be captured')
    .description(
      'Lists the tables that each pipeline would capture, with key, columns and about how many rows, how they would be ' +
        'copied, and what would be refused; then what the source has beside them, and why that is not captured. Changes ' +
        'nothing. With --verbose every column is shown.',
    )
    .argument('<file>', 'the configuration')
    .option('--pipeline <name>', 'this pipeline only')
    .option('--json', JSON_SHAPE)
    .addHelpText('after', examples('weir discover weir.yaml', 'weir discover weir.yaml --pipeline shop --json'))
    .action(
      async (file: string, _: unknown, command: Command) =>
        await interruptible(context, discover(file, command.optsWithGlobals<DiscoverOptions>(), context)),
    );
};

async function discover(file: string, options: DiscoverOptions, context: CommandContext): Promise<void> {
  const { openConfig } = await import('./open-config.ts');
  const { choosePipelines } = await import('../config/choose-pipelines.ts');
  const { discoverSource } = await import('../discover.ts');
  const config = openConfig(file, context);
  const pipelines: DiscoveredSource[] = [];
  for (const pipeline of choosePipelines(config, options.pipeline)) pipelines.push(await discoverSource(pipeline, context.signal));
  if (options.json) return printJson(context, { pipelines });
  const { discoverLines } = await import('../view/discover.ts');
  const { paintFor } = await import('../view/paint.ts');
  const view = { width: tableWidth(context), paint: paintFor(context.stdout), verbose: options.verbose === true };
  for (const [index, source] of pipelines.entries()) printLines(context, [...(index > 0 ? [''] : []), ...discoverLines(source, view)]);
}
