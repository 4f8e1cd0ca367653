import { WeirError } from '@weir/sdk';
import type { FirstFile } from '../init/first-file.ts';
import { printJson, printLines, type CommandContext } from './context.ts';
import { examples, type Register } from './register.ts';

interface InitOptions {
  readonly from?: string;
  readonly to?: string;
  readonly force?: true;
  readonly json?: true;
}

export const registerInit: Register = (program, context) => {
  program
    .command('init')
    .summary('write a configuration to begin with')
    .description(
      'Writes a configuration with a comment at each option, and says what comes next. It connects to nothing. Passwords ' +
        'of the URLs are not written: the file names an environment variable for each. A file that is there is left alone.',
    )
    .argument('[file]', 'the file to write', 'weir.yaml')
    .option('--from <url>', 'the source: postgres://user:password@host/database; default: the environment’s DATABASE_URL')
    .option('--to <sink>', 'the sink: duckdb:PATH, or postgres://user:password@host/database; default: a DuckDB file beside it')
    .option('--force', 'write over a file that is there')
    .option('--json', 'print as JSON: {file, variables: [{name, holds}], next: [command]}')
    .addHelpText('after', examples('weir init', 'weir init --from postgres://app@db.example.com/shop --to duckdb:./shop.duckdb'))
    .action(async (file: string, options: InitOptions) => await init(file, options, context));
};

async function init(file: string, options: InitOptions, context: CommandContext): Promise<void> {
  const { firstFile } = await import('../init/first-file.ts');
  const { text, variables } = firstFile(options.from, options.to);
  await writeNew(file, text, options.force === true);
  const next = ['check', 'plan', 'run'].map((command) => `weir ${command} ${file}`);
  if (options.json) printJson(context, { file, variables, next });
  else printLines(context, nextLines(file, variables, next));
}

async function writeNew(file: string, text: string, force: boolean): Promise<void> {
  const { writeFileSync } = await import('node:fs');
  try {
    writeFileSync(file, text, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw new WeirError('WEIR_INIT_EXISTS', `${file} is there already, and was left as it is`, { cause: error });
    throw new WeirError('WEIR_CONFIG_FILE', `${file} cannot be written (${code})`, { fix: 'Name a file that you may write.', cause: error });
  }
}

function nextLines(file: string, variables: FirstFile['variables'], next: readonly string[]): string[] {
  const [check, plan, run] = next;
  return [
    `${file} is written.`,
    ...variables.map(({ name, holds }) => `Set ${name} in the environment: ${holds}.`),
    'Next:',
    `  ${check}   is everything there that it needs?`,
    `  ${plan}    what becomes of each table?`,
    `  ${run}     copy, then stream until Ctrl-C`,
  ];
}
