import { WeirError } from '@weir/sdk';
import type { RuntimeStatus } from '../runtime-status.ts';
import { interruptible, printJson, printLines, type CommandContext } from './context.ts';
import { examples, type Register } from './register.ts';

interface StatusOptions {
  readonly json?: true;
  readonly pipeline?: string;
}

/** One pipeline's answer. `status` is null when it never ran with this state directory. */
interface Answer {
  readonly pipeline: string;
  readonly running: boolean;
  readonly status: RuntimeStatus | null;
}

export const registerStatus: Register = (program, context) => {
  program
    .command('status')
    .summary('show how the pipelines do')
    .description('Shows how the pipelines of a file do: from the process that runs them, else as it was when one last ran.')
    .argument('[file]', 'the configuration', 'weir.yaml')
    .option('--pipeline <name>', 'this pipeline only')
    .option('--json', 'print as JSON: {pipelines: [{pipeline, running, at, pid, startedAt, status}]}')
    .addHelpText('after', examples('weir status', 'weir status shop.yaml --json'))
    .action(
      async (file: string, options: StatusOptions) => await interruptible(context, showStatus(file, options, context)),
    );
};

async function showStatus(file: string, options: StatusOptions, context: CommandContext): Promise<void> {
  const { openConfig } = await import('./open-config.ts');
  const { choosePipelines } = await import('../config/choose-pipelines.ts');
  const { ApiClient } = await import('../api/client.ts');
  const config = openConfig(file, context);
  const names = choosePipelines(config, options.pipeline).map(({ name }) => name);
  const running = await ApiClient.find(config.stateDirectory, context.signal);
  const answers = running === null ? await recalled(config.stateDirectory, names) : current(running.status, names);
  if (options.json) return printJson(context, { pipelines: answers.map(flat) });
  const { render } = await import('../view/render.ts');
  const { paintFor } = await import('../view/paint.ts');
  const paint = paintFor(context.stdout);
  const width = context.stdout.isTTY ? context.stdout.columns : 100;
  for (const [index, answer] of answers.entries()) {
    const lines = answer.status === null ? [] : render(answer.status.pipelines, { width, now: answer.status.at, paint });
    printLines(context, [...(index > 0 ? [''] : []), heading(answer), ...lines]);
  }
}

function current(status: RuntimeStatus, names: readonly string[]): Answer[] {
  return names.map((name) => {
    const pipelines = status.pipelines.filter((pipeline) => pipeline.name === name);
    return { pipeline: name, running: pipelines.length > 0, status: pipelines.length > 0 ? { ...status, pipelines } : null };
  });
}

async function recalled(stateDirectory: string, names: readonly string[]): Promise<Answer[]> {
  const { recallStatus } = await import('../runtime-status.ts');
  try {
    const statuses = recallStatus(stateDirectory);
    return names.map((name) => ({ pipeline: name, running: false, status: statuses.get(name) ?? null }));
  } catch (error) {
    if (!(error instanceof WeirError) || error.code !== 'WEIR_STORE_LOCKED') throw error;
    throw new WeirError(
      'WEIR_STORE_LOCKED',
      'a process has this state directory and does not answer; it is starting or ending',
      {
        fix: 'Ask again in a few seconds.',
        cause: error,
      },
    );
  }
}

function heading({ pipeline, running, status }: Answer): string {
  if (status === null) return `${pipeline} never ran with this state directory, or is not part of what runs now.`;
  if (running) return `Running, process ${status.pid}, since ${clock(status.startedAt)}:`;
  return `Not running. As it was at ${clock(status.at)}:`;
}

/** Local time, `2026-05-04 12:03:04`. */
function clock(at: number): string {
  return new Date(at).toLocaleString('sv-SE');
}

function flat({ pipeline, running, status }: Answer): object {
  const { at = null, pid = null, startedAt = null, pipelines = [] } = status ?? {};
  return { pipeline, running, at, pid, startedAt, status: pipelines[0] ?? null };
}
