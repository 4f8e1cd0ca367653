import { redactUrls, type Logger } from '@weir/sdk';
import { pino, type DestinationStream, type LevelWithSilent } from 'pino';

export interface LogOptions {
  readonly level?: LevelWithSilent;
  /** Texts that become `***` wherever they appear (invariant 10). */
  readonly secrets?: readonly string[];
  /** Where the lines go, JSON one a line; stderr by default. */
  readonly destination?: DestinationStream;
}

/** Keys whose values are never logged, whatever they hold. */
const SECRET_KEYS = new Set(['password', 'secret', 'token', 'authorization', 'connectionString']);
const MAX_DEPTH = 6;

/** A logger that hides secrets: passwords in URLs, known secret values, and keys that name one. */
export function createLog({ level = 'info', secrets = [], destination }: LogOptions = {}): Logger {
  const redact = (text: string): string =>
    redactUrls(secrets.reduce((hidden, secret) => hidden.replaceAll(secret, '***'), text));
  return pino(
    {
      level,
      base: null,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => redacted(fields, redact, 0) as Record<string, unknown>,
      },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      serializers: { err: (value: unknown) => value, error: (value: unknown) => value },
      hooks: {
        logMethod(args, method) {
          const hidden = args.map((arg: unknown) => (typeof arg === 'string' ? redact(arg) : arg));
          Reflect.apply(method, this, hidden);
        },
      },
    },
    destination ?? stderr(),
  );
}

/** Goes on without a log when nobody reads it any more. */
function stderr(): DestinationStream {
  return pino.destination({ dest: 2, sync: true }).on('error', () => undefined);
}

function redacted(value: unknown, redact: (text: string) => string, depth: number): unknown {
  if (typeof value === 'string') return redact(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '…';
  if (value instanceof Error) return errorFields(value, redact);
  if (Array.isArray(value)) return value.map((inner) => redacted(inner, redact, depth + 1));
  if (hasToJson(value)) return redacted(value.toJSON(), redact, depth + 1);
  const entries = Object.entries(value).map(([key, inner]) => [
    key,
    SECRET_KEYS.has(key) ? '***' : redacted(inner, redact, depth + 1),
  ]);
  return Object.fromEntries(entries);
}

function hasToJson(value: object): value is { toJSON(): unknown } {
  return 'toJSON' in value && typeof value.toJSON === 'function';
}

/** Name, code, message and stack; a driver's other fields may hold row values, a server's DETAIL line for one. */
function errorFields(error: Error, redact: (text: string) => string): object {
  const { code } = error as { code?: unknown };
  return {
    name: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    message: redact(error.message),
    ...(error.stack === undefined ? {} : { stack: redact(error.stack) }),
  };
}
