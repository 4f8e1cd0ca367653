import type { ApiClient } from '../api/client.ts';
import type { CopyAnswer, CopyRequest } from '../api/copies.ts';
import { printLines, type CommandContext } from './context.ts';

/** How often the progress of a copy is asked for, in ms. */
const POLL_MS = 500;

/** Asks the running process for a copy; while it is waited for, a line on the terminal says how far it is. */
export async function copyWithProgress(client: ApiClient, request: CopyRequest, context: CommandContext): Promise<CopyAnswer> {
  const asked = client.copy(request, context.signal);
  if (!request.wait || !context.stderr.isTTY) return await asked;
  const done = new AbortController();
  const showing = showProgress(client, request.pipeline, AbortSignal.any([context.signal, done.signal]), context);
  try {
    return await asked;
  } finally {
    done.abort();
    await showing;
  }
}

async function showProgress(client: ApiClient, pipeline: string | undefined, signal: AbortSignal, { stderr }: CommandContext): Promise<void> {
  const { progressLine } = await import('../view/copies.ts');
  const { systemClock } = await import('@weir/sdk');
  while (!signal.aborted) {
    try {
      const { pipelines } = await client.status(signal);
      const copied = pipelines.find(({ name }) => name === (pipeline ?? pipelines[0]?.name));
      stderr.write(`\r\u001B[K${progressLine(copied?.source.snapshot ?? [])}`.slice(0, stderr.columns));
      await systemClock.sleep(POLL_MS, signal);
    } catch {
      // The copy itself says what is wrong.
      break;
    }
  }
  stderr.write('\r\u001B[K');
}

/** What was copied, or has begun to be. */
export async function printCopy(answer: CopyAnswer, file: string, context: CommandContext): Promise<void> {
  const { copyLines } = await import('../view/copies.ts');
  const { paintFor } = await import('../view/paint.ts');
  printLines(context, copyLines(answer, file, paintFor(context.stdout)));
}

