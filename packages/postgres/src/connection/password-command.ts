import { execFile } from 'node:child_process';
import { basename } from 'node:path';
import { Secret, WeirError } from '@weir/sdk';

/** A token of a cloud takes seconds at most, also when it has to be asked for over a slow network. */
export const COMMAND_TIMEOUT_MS = 30_000;
/** Tokens of RDS have about 1 KB, those of Azure 2 to 4 KB. */
const OUTPUT_BYTES = 64 * 1024;

/** What the command gets as PGHOST, PGPORT, PGUSER and PGDATABASE: tokens are often of one host and user. */
export interface PasswordFor {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

/**
 * Runs a command, without a shell, and takes what it prints as the password; a line break at the end does not belong to it.
 * Neither its output nor its arguments, which may hold secrets, are in any error (invariant 10).
 * @throws WeirError WEIR_PG_PASSWORD_COMMAND
 */
export async function runPasswordCommand(
  command: readonly string[],
  { host, port, user, database }: PasswordFor,
  signal: AbortSignal,
  timeoutMs: number = COMMAND_TIMEOUT_MS,
): Promise<Secret> {
  const [program, ...args] = command;
  const env = { ...process.env, PGHOST: host, PGPORT: String(port), PGUSER: user, PGDATABASE: database };
  const limits = { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: OUTPUT_BYTES, windowsHide: true } as const;
  const output = await new Promise<string>((resolve, reject) => {
    const child = execFile(program!, args, { env, signal, encoding: 'utf8', ...limits }, (error, stdout) => {
      if (error === null) resolve(stdout);
      // The error that Node made has the whole command line in it, and must not become the cause.
      else reject(failed(program!, whyFailed(error, timeoutMs)));
    });
    child.stdin?.on('error', () => {}).end();
  });
  const password = output.replace(/\r?\n$/, '');
  if (password === '') throw failed(program!, 'printed nothing');
  if (/[\r\n\0]/.test(password)) throw failed(program!, 'printed more than one line');
  return new Secret(password);
}

function whyFailed(error: Error, timeoutMs: number): string {
  const { code, killed, signal } = error as { code?: string | number; killed?: boolean; signal?: string };
  if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return `printed more than ${OUTPUT_BYTES / 1024} KiB`;
  if (code === 'ENOENT') return 'was not found';
  if (code === 'EACCES') return 'may not be run';
  if (killed === true) return `did not end within ${timeoutMs / 1000} s`;
  return `ended with ${typeof code === 'number' ? `code ${code}` : (signal ?? code ?? 'an error')}`;
}

function failed(program: string, what: string): WeirError {
  return new WeirError('WEIR_PG_PASSWORD_COMMAND', `password_command ${basename(program)} ${what}`, {
    path: 'password_command',
  });
}
