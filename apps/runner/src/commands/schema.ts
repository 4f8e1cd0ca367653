import { printJson } from './context.ts';
import { examples, type Register } from './register.ts';

export const registerSchema: Register = (program, context) => {
  program
    .command('schema')
    .summary('print the JSON Schema of the configuration file')
    .description(
      'Prints the JSON Schema of the configuration file, for editors: completion, descriptions, errors while typing.',
    )
    .option('--json', 'what it prints is JSON with or without it')
    .addHelpText(
      'after',
      examples(
        'weir schema > weir.schema.json',
        'and at the top of weir.yaml:  # yaml-language-server: $schema=./weir.schema.json',
      ),
    )
    .action(async () => {
      const { connectors } = await import('../connectors.ts');
      const { fileJsonSchema } = await import('../config/json-schema.ts');
      printJson(context, fileJsonSchema(connectors));
    });
};
