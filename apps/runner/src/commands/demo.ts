import type { Command } from 'commander';
import type { DemoOptions } from './demo-options.ts';
import { examples, wholeNumber, type Register } from './register.ts';

export const registerDemo: Register = (program, context) => {
  program
    .command('demo')
    .summary('see it work: a PostgreSQL with a shop, mirrored into DuckDB')
    .description(
      'Starts a PostgreSQL of its own with a small shop and a live load, and mirrors it into DuckDB. It ends on Ctrl-C or ' +
        'after --seconds, by draining and comparing both sides row by row. Another start goes on where this one ended.',
    )
    .option('--seconds <n>', 'end after this many seconds', wholeNumber(1))
    .option('--fresh', 'start over: throw away what an earlier demo left')
    .option('--rate <n>', 'transactions per second of the load', wholeNumber(0))
    .option('--directory <dir>', 'where the demo keeps everything')
    .option('--json', 'print the comparison at the end as JSON: {equal, pipelines: [{pipeline, sinks}]}, as `verify` does')
    .addHelpText('after', examples('weir demo', 'weir demo --seconds 20', 'weir demo --fresh'))
    .action(async (_: unknown, command: Command) => {
      const { runDemo } = await import('../demo/demo.ts');
      await runDemo(command.optsWithGlobals<DemoOptions>(), context);
    });
};
