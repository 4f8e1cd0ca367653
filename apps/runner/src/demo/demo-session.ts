import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger, Position, SourceStatus } from '@weir/sdk';
import type { Store } from '@weir/store';
import { LiveView } from '../view/live-view.ts';
import { count, span } from '../view/quantities.ts';
import type { CommandContext } from '../commands/context.ts';
import type { Config } from '../config/config.ts';
import { startRuntime, type Runtime } from '../runtime.ts';
import { lent } from './demo-directory.ts';
import { ShopLoad } from './load.ts';

export interface DemoSession {
  readonly config: Config;
  readonly store: Store;
  readonly log: Logger;
  readonly view: LiveView;
  /** Of the shop. */
  readonly url: string;
  /** Transactions a second; 0 for none. */
  readonly rate: number;
  /** How long to stream; without an end when undefined. */
  readonly seconds: number | undefined;
  /** The mirror was there before. */
  readonly again: boolean;
}

const LOOK_EVERY_MS = 50;

/** A live view for the demo, on the stream that people read. */
export function demoView({ stderr }: CommandContext, seconds: number | undefined): LiveView {
  const end = seconds === undefined ? 'Ctrl-C' : `Ends after ${seconds} s of streaming, or on Ctrl-C:`;
  return new LiveView({ stream: stderr, footer: `${end} drains and verifies; Ctrl-C twice stops at once` });
}

/**
 * Runs the pipeline under the load until the time is up or `signal` aborts; then ends the load and delivers everything up
 * to the shop's last commit.
 * @throws WeirError that ended the pipeline
 */
export async function runSession(session: DemoSession, signal: AbortSignal): Promise<void> {
  const { view, rate } = session;
  await using runtime = await startRuntime(session.config, { log: session.log, store: lent(session.store) });
  if (runtime.httpUrl !== null) view.print(`status and metrics on ${runtime.httpUrl}`);
  const load = new ShopLoad(session.url, { ratePerSecond: rate, log: (line) => view.print(line) });
  view.start(() => runtime.status());
  const running = runtime.run();
  const failed = new AbortController();
  running.catch(() => failed.abort());
  try {
    if (rate > 0) load.start();
    await untilEnd(runtime, session, AbortSignal.any([signal, failed.signal]));
    await load.stop();
    if (!failed.signal.aborted) await drain(runtime, running, session, load);
    await running;
  } finally {
    await load.stop();
    view.stop();
  }
}

/** Resolves when the time is up or the signal aborts. Says what the pipeline does first, and when the copy is done. */
async function untilEnd(runtime: Runtime, session: DemoSession, signal: AbortSignal): Promise<void> {
  const { view, seconds, again } = session;
  const startedAt = performance.now();
  const opened = await untilPhase(runtime, ['snapshot', 'stream'], signal);
  if (again && opened?.checkpoint != null) {
    const copying = opened.phase === 'snapshot';
    view.print(`resumed from checkpoint ${opened.checkpoint}${copying ? '' : '; nothing is copied again'}`);
  }
  const streaming = await untilPhase(runtime, ['stream'], signal);
  if (streaming !== null && (streaming.copied || opened?.phase === 'snapshot')) {
    view.print(`the copy is complete after ${span(performance.now() - startedAt)}; now streaming changes`);
  }
  if (seconds === undefined) await aborted(signal);
  else await pause(seconds * 1000, signal);
}

interface Moment {
  readonly phase: SourceStatus['phase'];
  readonly checkpoint: Position | null;
  /** This process copied rows. */
  readonly copied: boolean;
}

/** How the one pipeline is when it reaches one of the phases; null when the signal aborts before. */
async function untilPhase(
  runtime: Runtime,
  phases: readonly Moment['phase'][],
  signal: AbortSignal,
): Promise<Moment | null> {
  while (!signal.aborted) {
    for (const { source, sinks } of runtime.status().pipelines) {
      if (!phases.includes(source.phase)) continue;
      const [sink] = Object.values(sinks);
      return { phase: source.phase, checkpoint: sink?.checkpoint ?? null, copied: Object.values(sink?.events ?? {}).some((ops) => (ops['read'] ?? 0) > 0) };
    }
    await pause(LOOK_EVERY_MS, signal);
  }
  return null;
}

async function drain(runtime: Runtime, running: Promise<void>, { view }: DemoSession, load: ShopLoad): Promise<void> {
  view.print(`the load ended after ${count(load.transactions)} transactions; delivering what is left`);
  try {
    await runtime.finishAtHead();
  } catch (error) {
    runtime.stop();
    await running;
    throw error;
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
