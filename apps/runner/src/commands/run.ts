import type { PipelineStatus } from '@weir/engine';
import { toWeirError, type Logger, type WeirError } from '@weir/sdk';
import type { Command } from 'commander';
import { printJson, type CommandContext } from './context.ts';
import { examples, type Register } from './register.ts';

interface RunOptions {
  readonly json?: true;
  readonly untilCaughtUp?: true;
  readonly pipeline?: string;
  readonly verbose?: true;
}

export const registerRun: Register = (program, context) => {
  program
    .command('run')
    .summary('run the pipelines of a file')
    .description(
      'Runs the pipelines of a file until Ctrl-C or SIGTERM, which drain: what was read is committed, then it ends ' +
        'with 0. A second signal ends it at once; nothing is lost then either, it is read again at the next start.',
    )
    .argument('<file>', 'the configuration, for example weir.yaml')
    .option('--until-caught-up', 'deliver everything up to the source’s position at the start, then end')
    .option('--pipeline <name>', 'run this pipeline only')
    .option('--json', 'at the end print as JSON: {at, pid, startedAt, pipelines: [status]}; the log stays on stderr')
    .addHelpText(
      'after',
      examples('weir run weir.yaml', 'weir run weir.yaml --until-caught-up', 'weir run weir.yaml --pipeline shop'),
    )
    .action(
      async (file: string, _: unknown, command: Command) => await run(file, command.optsWithGlobals<RunOptions>(), context),
    );
};

async function run(file: string, options: RunOptions, context: CommandContext): Promise<void> {
  const { openConfig } = await import('./open-config.ts');
  const { startRuntime } = await import('../runtime.ts');
  const { isInteractive, LiveView } = await import('../view/live-view.ts');
  const config = openConfig(file, context);
  const interactive = isInteractive(context.stderr);
  const view = new LiveView({
    stream: context.stderr,
    footer: options.untilCaughtUp ? 'Ends when caught up; Ctrl-C drains and stops' : 'Ctrl-C drains and stops',
    writeLine: (line, { pipelines }) => pipelines.forEach((status) => log.info(statusFields(status), line)),
  });
  const log = await commandLog(options, context, interactive ? (line) => view.print(line) : null);
  await using runtime = await startRuntime(config, { log, only: options.pipeline, env: context.env });
  if (runtime.httpUrl !== null) log.info({ url: runtime.httpUrl }, 'health, metrics and status are served');
  const stop = (): void => runtime.stop();
  context.signal.addEventListener('abort', stop);
  view.start(() => runtime.status());
  try {
    await runToEnd(runtime, options.untilCaughtUp === true, context.signal);
    view.stop();
  } catch (error) {
    view.clear();
    // A person is told by the command; whoever reads the JSON finds it there as well.
    if (!interactive) logFailure(log, toWeirError(error));
    throw error;
  } finally {
    context.signal.removeEventListener('abort', stop);
  }
  if (options.json) printJson(context, runtime.status());
  log.info({}, context.signal.aborted ? 'drained and stopped' : 'done');
}

function logFailure(log: Logger, { code, fix, path, message }: WeirError): void {
  log.error({ code, fix, path }, message);
}

/** What a log line about the status holds; the whole is at `/v1/status`. */
function statusFields({ name, state, source, sinks }: PipelineStatus): object {
  const bySink: [string, object][] = Object.entries(sinks).map(([sink, { rows, stoppedTables, ...own }]) => {
    const { lagMs, checkpoint, queueBytes } = own;
    const stopped = stoppedTables.map(({ table }) => table);
    return [sink, { delivered: rows.delivered, lagMs, checkpoint, queueBytes, stopped }];
  });
  return { pipeline: name, state, phase: source.phase, catchingUp: source.isCatchingUp, lagBytes: source.lagBytes, sinks: Object.fromEntries(bySink) };
}

interface Runnable {
  run(): Promise<void>;
  stop(): void;
  finishAtHead(): Promise<void>;
}

/** When both fail, what ended the pipelines is the cause to report. */
async function runToEnd(runtime: Runnable, untilCaughtUp: boolean, signal: AbortSignal): Promise<void> {
  const running = runtime.run();
  if (signal.aborted) runtime.stop();
  let refusal: { error: unknown } | null = null;
  if (untilCaughtUp) {
    // Not awaited: a source that hangs must not outlast pipelines that have been stopped.
    runtime.finishAtHead().catch((error: unknown) => {
      refusal = { error };
      runtime.stop();
    });
  }
  await running;
  if (refusal !== null) throw (refusal as { error: unknown }).error;
}

/** JSON lines for machines; where a person looks, short lines above the live view. */
async function commandLog(
  { verbose }: RunOptions,
  context: CommandContext,
  print: ((line: string) => void) | null,
): Promise<Logger> {
  const { createLog } = await import('../log.ts');
  const { lineLogDestination } = await import('../view/log-line.ts');
  const { paintFor } = await import('../view/paint.ts');
  return createLog({
    level: verbose ? 'debug' : 'info',
    secrets: context.secrets,
    ...(print === null ? {} : { destination: lineLogDestination(print, paintFor(context.stderr)) }),
  });
}
