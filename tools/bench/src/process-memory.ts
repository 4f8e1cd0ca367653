import { readFileSync } from 'node:fs';

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
