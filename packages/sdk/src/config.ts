import { z } from 'zod';
import { Secret } from './secret.ts';

const BYTE_UNITS: Record<string, number> = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, KIB: 2 ** 10, MIB: 2 ** 20, GIB: 2 ** 30 };
const TIME_UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `256MiB`, `1GB`, or a number of bytes; null when it is none, or beyond 2^53. */
export function parseBytes(text: string | number): number | null {
  const bytes = typeof text === 'number' ? text : bytesOf(text.trim());
  return bytes !== null && Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : null;
}

function bytesOf(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*([KMG]i?B|B)?$/i.exec(text);
  return match && Math.round(Number(match[1]) * BYTE_UNITS[(match[2] ?? 'B').toUpperCase()]!);
}

/** `250ms`, `10s`, `5m`, `1h`, `2d`, or a number of milliseconds; null when it is none. */
export function parseDuration(text: string | number): number | null {
  const ms = typeof text === 'number' ? text : millisecondsOf(text.trim());
  return ms !== null && Number.isFinite(ms) && ms >= 0 ? ms : null;
}

function millisecondsOf(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(text);
  return match && Number(match[1]) * TIME_UNITS[match[2]!]!;
}

function parsed<T>(parse: (text: string | number) => T | null, expected: string) {
  return (text: string | number, context: z.RefinementCtx): T => {
    const value = parse(text);
    if (value !== null) return value;
    context.addIssue({ code: 'custom', message: `expected ${expected}` });
    return z.NEVER;
  };
}

/** A size in a configuration, as a number of bytes. */
export const byteSize: z.ZodType<number, string | number> = z
  .union([z.string(), z.number()])
  .transform(parsed(parseBytes, 'a size such as 256MiB, or a number of bytes'));

/** A duration in a configuration, as milliseconds. */
export const duration: z.ZodType<number, string | number> = z
  .union([z.string(), z.number()])
  .transform(parsed(parseDuration, 'a duration such as 250ms, 10s or 5m'));

/** A secret in a configuration: text that never prints. */
export const secret: z.ZodType<Secret, string> = z
  .string()
  .min(1)
  .transform((text) => new Secret(text));
