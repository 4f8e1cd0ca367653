import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/** How a command ended. */
export interface Ending {
  /** Exit code; null when a signal or the time limit ended it, or when it could not start. */
  readonly code: number | null;
  /** Why there is no exit code, for a person. */
  readonly reason: string | null;
  /** True when processes that the command had started outlived it; they have been ended. */
  readonly leftovers: boolean;
}

export interface GroupOptions {
  readonly cwd: string;
  /** Variables that differ from those of this process; undefined takes one away. */
  readonly env?: NodeJS.ProcessEnv;
  /** Where its output goes: to this process's, or nowhere. */
  readonly output: 'inherit' | 'ignore';
  /** In ms. After it every process of the group is ended. */
  readonly limit: number;
  /** When it fires, the signal that is its reason is passed on to every process of the group. */
  readonly stop?: AbortSignal;
}

/** What processes get to end by themselves before they are killed, in ms. */
const GRACE = 10_000;
/** What the last of a group gets to go after its first process has gone, in ms. */
const AFTERGLOW = 3000;
const LOOK_EVERY = 20;

/** Runs a command as a group of its own, so that whatever it starts ends with it. */
export async function runGroup(program: string, args: readonly string[], options: GroupOptions): Promise<Ending> {
  const { cwd, env, output } = options;
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', output, output],
    detached: true,
  });
  const group = await started(child);
  if (group === null) return { code: null, reason: `${program} could not be started`, leftovers: false };
  let reason: string | null = null;
  const end = (signal: NodeJS.Signals, why: string): void => {
    reason ??= why;
    kill(group, signal);
    setTimeout(() => kill(group, 'SIGKILL'), GRACE).unref();
  };
  const timer = setTimeout(() => end('SIGTERM', `took longer than ${Math.round(options.limit / 1000)} s`), options.limit);
  const onStop = (): void => end(signalOf(options.stop), `was stopped by ${signalOf(options.stop)}`);
  options.stop?.addEventListener('abort', onStop, { once: true });
  if (options.stop?.aborted === true) onStop();
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  options.stop?.removeEventListener('abort', onStop);
  const leftovers = await endRest(group);
  if (reason !== null) return { code: null, reason, leftovers };
  return { code, reason: signal === null ? null : `was ended by ${signal}`, leftovers };
}

async function started(child: ReturnType<typeof spawn>): Promise<number | null> {
  try {
    await once(child, 'spawn');
    return child.pid ?? null;
  } catch {
    return null;
  }
}

function signalOf(stop: AbortSignal | undefined): NodeJS.Signals {
  const reason: unknown = stop?.reason;
  return reason === 'SIGTERM' || reason === 'SIGHUP' ? reason : 'SIGINT';
}

/** False when the group has no process any more. */
function kill(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}

async function endRest(group: number): Promise<boolean> {
  if (await isGone(group, AFTERGLOW)) return false;
  kill(group, 'SIGTERM');
  if (!(await isGone(group, GRACE))) kill(group, 'SIGKILL');
  return true;
}

async function isGone(group: number, within: number): Promise<boolean> {
  for (const until = Date.now() + within; Date.now() < until; await sleep(LOOK_EVERY)) if (!kill(group, 0)) return true;
  return !kill(group, 0);
}
