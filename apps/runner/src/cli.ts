import { toWeirError, WeirError } from '@weir/sdk';
import { Command, CommanderError } from 'commander';
import { version } from './version.ts';
import { registerCheck } from './commands/check.ts';
import { registerConnectors } from './commands/connectors.ts';
import { Interruption, printJson, type CommandContext } from './commands/context.ts';
import { registerRepair, registerResync, registerSnapshot } from './commands/copy.ts';
import { registerDemo } from './commands/demo.ts';
import { registerDiscover } from './commands/discover.ts';
import { registerInit } from './commands/init.ts';
import { examples, type Register } from './commands/register.ts';
import { registerPlan } from './commands/plan.ts';
import { registerReset } from './commands/reset.ts';
import { registerRun } from './commands/run.ts';
import { registerSchema } from './commands/schema.ts';
import { registerSql } from './commands/sql.ts';
import { registerStatus } from './commands/status.ts';
import { registerVerify } from './commands/verify.ts';
import { ConfigErrors } from './config/config-errors.ts';
import { errorText } from './view/error-text.ts';
import { paintFor } from './view/paint.ts';

/** In the order of the help. */
const commands: readonly Register[] = [
  registerInit,
  registerCheck,
  registerDiscover,
  registerPlan,
  registerRun,
  registerStatus,
  registerSql,
  registerVerify,
  registerSnapshot,
  registerResync,
  registerRepair,
  registerReset,
  registerConnectors,
  registerSchema,
  registerDemo,
];

/**
 * Runs one command. What went wrong is on stderr, and as JSON on stdout where the command was asked for JSON.
 * @param args without the program's own name
 * @returns the exit code: 0; 1 runtime; 2 usage or configuration; 3 connection or authorization; 4 lost position;
 *   130, 143 signals
 */
export async function runCli(args: readonly string[], context: CommandContext): Promise<number> {
  const program = buildProgram(context);
  if (args.length === 0) {
    program.outputHelp({ error: true });
    return 2;
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    const reason: unknown = context.signal.reason;
    if (isAbort(error) && reason instanceof Interruption) return reason.exitCode;
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const failure = error instanceof CommanderError ? usageError(error, args) : toWeirError(error);
    reportError(failure, args, context);
    return failure.policy.exit;
  }
}

function buildProgram(context: CommandContext): Command {
  const program = new Command('weir')
    .description('Moves data continuously from where it is born to where it is used, exactly once.')
    .version(version)
    .option('--verbose', 'say more: debug logs, and the stack of a defect')
    .addHelpText('after', examples('weir demo', 'weir check weir.yaml', 'weir run weir.yaml', 'weir help run'))
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      outputError: () => undefined,
      getOutHelpWidth: () => context.stdout.columns ?? 80,
    });
  for (const register of commands) register(program, context);
  return program;
}

function isAbort(error: unknown): boolean {
  const { name, code } = error as { name?: unknown; code?: unknown };
  return error instanceof Interruption || name === 'AbortError' || code === 'ABORT_ERR';
}

/** Commander's own words; a closer name is on their second line. */
function usageError(error: CommanderError, args: readonly string[]): WeirError {
  const [message = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const command = args.find((arg) => commandNames().includes(arg));
  const help = `See \`weir ${command === undefined ? '' : `${command} `}--help\`.`;
  const fix = suggestion === undefined ? help : suggestion.replace(/^\((.*)\)$/, '$1');
  return new WeirError('WEIR_USAGE', message, { fix });
}

function commandNames(): string[] {
  const program = new Command();
  for (const register of commands) register(program, {} as CommandContext);
  return program.commands.map((command) => command.name());
}

/** Tells a person what went wrong, and a program that asked for JSON; a stack only when debugging. */
export function reportError(failure: WeirError, args: readonly string[], context: CommandContext): void {
  const hide = (text: string): string => context.secrets.reduce((hidden, secret) => hidden.replaceAll(secret, '***'), text);
  const all = failure instanceof ConfigErrors ? failure.all : [failure];
  const { stderr } = context;
  const width = stderr.isTTY ? stderr.columns : undefined;
  const shown = all.map((error) => errorText(error, width, paintFor(stderr)));
  stderr.write(hide(`${shown.join('\n')}\n`));
  const debugging = args.includes('--verbose') || context.env['WEIR_DEBUG'] === '1';
  if (failure.code === 'WEIR_INTERNAL' && debugging) {
    const { cause = failure } = failure;
    stderr.write(hide(`${cause instanceof Error ? cause.stack : String(cause)}\n`));
  }
  // Where sides differ the verdict has been printed, and says so.
  if (!args.includes('--json') || failure.code === 'WEIR_VERIFY_DIFFERENT') return;
  const errors = all.map(({ code, message, fix, path = null, place = null }) => ({
    code,
    message: hide(message),
    fix: hide(fix),
    path,
    ...place,
  }));
  printJson(context, { errors });
}
