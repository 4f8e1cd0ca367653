import { errorCodes, type ErrorCode, type ErrorPolicy } from './error-codes.ts';
import { redactUrls } from './secret.ts';

/** A place in a configuration file; line and column from 1. */
export interface ConfigPlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface WeirErrorOptions {
  /** What to do about it, when it is more exact than the remedy of the code's entry: SQL to run, a name to use. */
  readonly fix?: string | undefined;
  /** Where in the configuration, as a path: `pipelines.shop.source.postgres.url`. */
  readonly path?: string | undefined;
  readonly place?: ConfigPlace | undefined;
  /** `namespace.name` of the one table that the error is about: `on_error: stop_table` stops only that. */
  readonly table?: string | undefined;
  readonly cause?: unknown;
}

/** Every error that Weir raises on purpose: a stable code, what happened, where, and what to do. Never holds row values. */
export class WeirError extends Error {
  readonly code: ErrorCode;
  readonly fix: string;
  readonly path: string | undefined;
  readonly place: ConfigPlace | undefined;
  readonly table: string | undefined;

  constructor(code: ErrorCode, message: string, options: WeirErrorOptions = {}) {
    super(redactUrls(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'WeirError';
    this.code = code;
    this.fix = redactUrls(options.fix ?? errorCodes[code].remedy);
    this.path = options.path;
    this.place = options.place;
    this.table = options.table;
  }

  get policy(): ErrorPolicy {
    return errorCodes[this.code];
  }
}

/** Anything thrown, as a WeirError; what has no code becomes `WEIR_INTERNAL` with the original as its cause. */
export function toWeirError(error: unknown): WeirError {
  if (error instanceof WeirError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new WeirError('WEIR_INTERNAL', message, { cause: error });
}

/** Two or three lines for a person: code and place, message, fix. */
export function explainError(error: WeirError): string {
  const { place } = error;
  const where = place ? ` at ${place.file}:${place.line}:${place.column}` : '';
  const path = error.path === undefined ? '' : ` (${error.path})`;
  return `${error.code}${where}${path}\n  ${error.message}\n  fix: ${error.fix}`;
}
