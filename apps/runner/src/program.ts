import { toWeirError } from '@weir/sdk';
import { reportError, runCli } from './cli.ts';
import { Interruption, stopSignals, type CommandContext } from './commands/context.ts';

/** After the work is done nothing should be left to wait for; what is must not keep the process. */
const EXIT_GRACE_MS = 2000;

const args = process.argv.slice(2);
const interrupted = new AbortController();
const context: CommandContext = {
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: interrupted.signal,
  secrets: [],
};
for (const name of stopSignals) {
  process.on(name, () => {
    const interruption = new Interruption(name);
    if (interrupted.signal.aborted) process.exit(interruption.exitCode);
    interrupted.abort(interruption);
  });
}
// The reader of a pipe went away, `weir sql … | head` for one: there is nobody left to write to.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.stderr.on('error', () => undefined);
process.on('uncaughtException', (error) => {
  reportError(toWeirError(error), args, context);
  process.exit(1);
});

process.exitCode = await runCli(args, context);
// Interrupted work was left where it was; what it waits for must not keep the process.
if (interrupted.signal.aborted) process.exit();
setTimeout(() => process.exit(), EXIT_GRACE_MS).unref();
