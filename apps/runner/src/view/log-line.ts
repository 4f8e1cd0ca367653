import type { Paint } from './paint.ts';
import { printable } from './text-width.ts';

/** Fields that a person does not need on the line. */
const LEFT_OUT = new Set(['level', 'time', 'msg', 'pipeline', 'err', 'error', 'fix']);

/** Takes the JSON lines of a log and prints each as a short line for a person. */
export function lineLogDestination(print: (line: string) => void, paint: Paint): { write(json: string): void } {
  return { write: (json) => print(logLine(JSON.parse(json) as Record<string, unknown>, paint)) };
}

/** In local time: `12:03:04  warn  shop: connection lost  code=WEIR_PG_CONNECTION_LOST` */
export function logLine(entry: Readonly<Record<string, unknown>>, paint: Paint): string {
  const { level, time, msg, pipeline } = entry;
  const clock = typeof time === 'string' ? new Date(time).toLocaleTimeString('sv-SE') : '';
  const fields = Object.entries(entry)
    .filter(([key, value]) => !LEFT_OUT.has(key) && value !== null)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const about = typeof pipeline === 'string' ? `${pipeline}: ` : '';
  const text = printable(about + (typeof msg === 'string' ? msg : ''));
  const tail = fields.length > 0 ? `  ${paint.dim(printable(fields.join(' ')))}` : '';
  return `${paint.dim(clock)} ${levelName(String(level), paint)} ${text}${tail}`;
}

function levelName(level: string, paint: Paint): string {
  const name = level.padEnd(5);
  if (level === 'error' || level === 'fatal') return paint.bad(name);
  return level === 'warn' ? paint.warning(name) : paint.dim(name);
}
