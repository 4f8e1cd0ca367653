import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const main: string = fileURLToPath(new URL('../main.ts', import.meta.url));
/** No run of a crash test takes so long; one that does hangs, and is killed so that the test can say so. */
const LIMIT_MS = 90_000;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A `weir` command as a child process. */
export class RunnerProcess {
  readonly ended: Promise<Ended>;
  readonly #kill: (signal: NodeJS.Signals) => void;

  /** @param crashAt `NAME:COUNT` of a crash point, or null */
  constructor(args: readonly string[], crashAt: string | null = null) {
    const child = spawn(process.execPath, ['--conditions=@weir/source', main, ...args], {
      env: { ...process.env, ...(crashAt === null ? {} : { WEIR_CRASH_AT: crashAt }), NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
    this.#kill = (signal) => child.kill(signal);
    this.ended = new Promise((resolve) => {
      child.on('close', (code, signal) => {
        clearTimeout(limit);
        resolve({ code, signal, stdout, stderr });
      });
    });
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#kill(signal);
  }
}

/** Runs a command to its end. */
export async function weir(...args: string[]): Promise<Ended> {
  return await new RunnerProcess(args).ended;
}
