/** What a command has of the world. */
export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For answers to questions. */
  readonly stdin: NodeJS.ReadStream;
  /** For what was asked for. */
  readonly stdout: NodeJS.WriteStream;
  /** For logs, errors and the live view. */
  readonly stderr: NodeJS.WriteStream;
  /** Aborts with an {@link Interruption} at the first SIGINT, SIGTERM or SIGHUP; the second ends the process at once. */
  readonly signal: AbortSignal;
  /** Texts that no message may show; commands add those of the configuration that they read (invariant 10). */
  readonly secrets: string[];
}

/** The exit codes that a shell gives to a process that a signal ended. */
const signalExitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
export type StopSignal = keyof typeof signalExitCodes;
export const stopSignals: readonly StopSignal[] = Object.keys(signalExitCodes) as StopSignal[];

/** Somebody asked the process to end. */
export class Interruption extends Error {
  readonly signal: StopSignal;
  readonly exitCode: number;

  constructor(signal: StopSignal) {
    super(signal);
    this.name = 'Interruption';
    this.signal = signal;
    this.exitCode = signalExitCodes[signal];
  }
}

/** The work's result, or the {@link Interruption} as soon as it comes: for work that may be left where it is. */
export async function interruptible<T>({ signal }: CommandContext, work: Promise<T>): Promise<T> {
  const interrupted = Promise.withResolvers<never>();
  const reject = (): void => interrupted.reject(signal.reason as Interruption);
  signal.addEventListener('abort', reject);
  if (signal.aborted) reject();
  try {
    return await Promise.race([work, interrupted.promise]);
  } finally {
    signal.removeEventListener('abort', reject);
  }
}

/** Writes lines of what was asked for. */
export function printLines({ stdout }: CommandContext, lines: readonly string[]): void {
  stdout.write(lines.map((line) => `${line}\n`).join(''));
}

export function printJson({ stdout }: CommandContext, value: unknown): void {
  stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** Columns to lay a table out in; unlimited where no person reads it. */
export function tableWidth({ stdout }: CommandContext): number | undefined {
  return stdout.isTTY ? stdout.columns : undefined;
}
