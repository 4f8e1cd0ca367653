import { readFileSync, readdirSync } from 'node:fs';

/** Clock ticks of a second in /proc, on every Linux that Node runs on. */
const TICKS = 100;

/** What a process has in memory and had at most, in bytes; null when it is gone. Linux only: read from /proc. */
export function processMemory(pid: number): { resident: number; peak: number } | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return { resident: kibibytes(status, 'VmRSS'), peak: kibibytes(status, 'VmHWM') };
  } catch {
    return null;
  }
}

function kibibytes(status: string, field: string): number {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status);
  return match === null ? 0 : Number(match[1]) * 1024;
}

/** Processor time that a process has used, in seconds; 0 when it is gone. */
export function processCpu(pid: number): number {
  const stat = readStat(pid);
  return stat === null ? 0 : stat.own / TICKS;
}

/** Processor time of a process, of its children, and of those that it has seen end, in seconds. */
export function familyCpu(pid: number): number {
  let ticks = 0;
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? readStat(Number(name)) : null;
    if (stat === null) continue;
    if (Number(name) === pid) ticks += stat.own + stat.ended;
    else if (stat.parent === pid) ticks += stat.own;
  }
  return ticks / TICKS;
}

/** How often the threads of a process have waited and gone on; 0 when it is gone. */
export function wakeUps(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
      const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
      return sum + Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1] ?? 0);
    }, 0);
  } catch {
    return 0;
  }
}

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
function readStat(pid: number): { parent: number; own: number; ended: number } | null {
  try {
    // The name of the program, in brackets, may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ').map(Number);
    return { parent: fields[1]!, own: fields[11]! + fields[12]!, ended: fields[13]! + fields[14]! };
  } catch {
    return null;
  }
}
