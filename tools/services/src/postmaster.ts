import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A running server process, as its `postmaster.pid` names it. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
}

/**
 * The live server of a data folder; null when there is none, or when the pid file is left over from a killed one. Lines of
 * the file: pid, data folder, start time, port, … (PostgreSQL's src/include/utils/pidfile.h).
 */
export function livePostmaster(data: string): Postmaster | null {
  let lines: string[];
  try {
    lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return null;
  }
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  if (!Number.isSafeInteger(pid) || pid <= 0 || !Number.isSafeInteger(port) || port <= 0) return null;
  return isPostmaster(pid, data) ? { pid, port } : null;
}

/** True when `pid` is a PostgreSQL server of this data folder, and not a zombie or a process that got an old number. */
export function isPostmaster(pid: number, data: string): boolean {
  const command = commandLine(pid);
  return command.includes('postgres') && command.includes(`-D ${data} `);
}

function commandLine(pid: number): string {
  try {
    // A zombie has an empty command line.
    if (process.platform === 'linux') return `${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')} `;
    return `${execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).trim()} `;
  } catch {
    return '';
  }
}

/** `fast` ends sessions and writes a checkpoint, `immediate` is a crash with the next start's recovery. */
export type StopMode = 'fast' | 'immediate';

const SIGNALS = { fast: 'SIGINT', immediate: 'SIGQUIT' } as const;

/** Sends the stop signal; false when the process is gone. */
export function signalStop(pid: number, mode: StopMode): boolean {
  try {
    process.kill(pid, SIGNALS[mode]);
    return true;
  } catch {
    return false;
  }
}

/** Waits until the server of this data folder is gone; false when it still lives after `timeoutMs`. */
export async function awaitGone(pid: number, data: string, timeoutMs: number): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  while (isPostmaster(pid, data)) {
    if (performance.now() > end) return false;
    await sleep(20);
  }
  return true;
}
