import { silentLogger, systemClock, WeirError } from '@weir/sdk';
import type { Config, PipelineConfig } from '../config/config.ts';
import { interruptible, printJson, printLines, type CommandContext } from './context.ts';
import { examples, type Register } from './register.ts';

interface ResetOptions {
  readonly sinks?: true;
  readonly yes?: true;
  readonly json?: true;
  readonly pipeline?: string;
}

/** What was done at one part of a pipeline, a sentence each. */
interface ResetPart {
  readonly pipeline: string;
  /** `source`, or `sink NAME`. */
  readonly part: string;
  readonly done: readonly string[];
}

export const registerReset: Register = (program, context) => {
  program
    .command('reset')
    .summary('take back what Weir keeps at a source, and start over')
    .description(
      'Drops what the pipelines of a file keep at their sources: for PostgreSQL the replication slot and the publications ' +
        'that Weir made. With --sinks the sinks also forget how far they are, so that the next run copies everything from ' +
        'scratch over the tables that are there; without it the next run finds its place at the source gone and is refused, ' +
        'or copies anew under `on_lost_position: resnapshot`. Rows and tables are not touched. Asks first; refused while `weir run` is up.',
    )
    .argument('<file>', 'the configuration')
    .option('--sinks', 'the sinks forget their checkpoints: the next run copies from scratch')
    .option('--yes', 'do not ask')
    .option('--pipeline <name>', 'this pipeline only')
    .option('--json', 'print as JSON: {parts: [{pipeline, part, done: [text]}]}')
    .addHelpText('after', examples('weir reset weir.yaml --sinks', 'weir reset weir.yaml --pipeline shop --sinks --yes'))
    .action(async (file: string, options: ResetOptions) => await interruptible(context, reset(file, options, context)));
};

async function reset(file: string, options: ResetOptions, context: CommandContext): Promise<void> {
  const { openConfig } = await import('./open-config.ts');
  const { choosePipelines } = await import('../config/choose-pipelines.ts');
  const config = openConfig(file, context);
  const pipelines = choosePipelines(config, options.pipeline);
  await refuseWhileRunning(config, context);
  if (!options.yes) await confirmed(question(pipelines, options), context);
  // Held to the end, so that nothing starts in between.
  await using _ = await lockState(config);
  const parts: ResetPart[] = [];
  for (const pipeline of pipelines) parts.push(...(await resetPipeline(pipeline, options.sinks === true, context.signal)));
  if (options.json) return printJson(context, { parts });
  printLines(context, parts.flatMap(({ pipeline, part, done }) => done.map((text) => `${pipeline}: ${part}: ${text}`)));
}

async function refuseWhileRunning(config: Config, { signal }: CommandContext): Promise<void> {
  const { ApiClient } = await import('../api/client.ts');
  const running = await ApiClient.find(config.stateDirectory, signal);
  if (running === null) return;
  throw new WeirError('WEIR_STORE_LOCKED', `weir runs these pipelines now (process ${running.status.pid})`, {
    fix: 'Stop it, then reset.',
  });
}

async function lockState({ stateDirectory }: Config): Promise<AsyncDisposable> {
  const { openSqliteStore } = await import('@weir/store');
  return openSqliteStore(stateDirectory);
}

function question(pipelines: readonly PipelineConfig[], { sinks }: ResetOptions): string {
  const names = pipelines.map(({ name }) => name).join(', ');
  const forget = sinks ? ', and have their sinks forget how far they are' : '';
  return `Drop what ${names} keep${pipelines.length === 1 ? 's' : ''} at the source${forget}? [y/N] `;
}

async function confirmed(text: string, { stdin, stderr, signal }: CommandContext): Promise<void> {
  if (!stdin.isTTY) {
    throw new WeirError('WEIR_RESET_REFUSED', 'a reset asks first, and there is no terminal to ask at', {
      fix: 'Give --yes where nobody can be asked.',
    });
  }
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: stdin, output: stderr });
  try {
    if (/^y(es)?$/i.test((await terminal.question(text, { signal })).trim())) return;
  } finally {
    terminal.close();
  }
  throw new WeirError('WEIR_RESET_REFUSED', 'nothing was changed');
}

/** The source first: it refuses while somebody reads its slot, and then nothing has been changed. */
async function resetPipeline({ name, source, sinks }: PipelineConfig, forget: boolean, signal: AbortSignal): Promise<ResetPart[]> {
  const { createSink, createSource } = await import('../parts.ts');
  const context = { pipeline: name, log: silentLogger, clock: systemClock };
  const opened = createSource(source, { ...context, name: 'source' });
  const done = (await opened.reset?.(signal)) ?? [`${source.connector.name} has nothing that Weir can drop`];
  const parts: ResetPart[] = [{ pipeline: name, part: 'source', done }];
  for (const sink of forget ? sinks : []) {
    const kept = createSink(sink, { ...context, name: sink.name });
    const shard = { pipeline: name, sink: sink.name, shard: 0 };
    const forgotten = (await kept.forget?.(shard, signal)) ?? null;
    const text = { null: 'cannot forget its checkpoint', true: 'forgot its checkpoint', false: 'had no checkpoint' }[`${forgotten}`];
    parts.push({ pipeline: name, part: `sink ${sink.name}`, done: [text] });
  }
  return parts;
}
