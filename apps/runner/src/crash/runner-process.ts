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
  #stderr = '';
  #heard: (() => void)[] = [];
  #over = false;

  /** @param crashAt `NAME:COUNT` of a crash point, or null */
  constructor(args: readonly string[], crashAt: string | null = null) {
    const child = spawn(process.execPath, ['--conditions=@weir/source', main, ...args], {
      env: { ...process.env, ...(crashAt === null ? {} : { WEIR_CRASH_AT: crashAt }), NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString();
      for (const resolve of this.#heard.splice(0)) resolve();
    });
    let hangs = false;
    const limit = setTimeout(() => {
      hangs = true;
      child.kill('SIGKILL');
    }, LIMIT_MS);
    this.#kill = (signal) => child.kill(signal);
    this.ended = new Promise((resolve, reject) => {
      child.on('close', (code, signal) => {
        clearTimeout(limit);
        this.#over = true;
        for (const heard of this.#heard.splice(0)) heard();
        if (hangs) reject(new Error(`it was still running after ${LIMIT_MS / 1000} s:\n${this.#stderr.slice(-30_000)}`));
        else resolve({ code, signal, stdout, stderr: this.#stderr });
      });
    });
  }

  /** Resolves when standard error matches. @throws Error when the process ends without having said it */
  async says(pattern: string): Promise<void> {
    const wanted = new RegExp(pattern);
    while (!wanted.test(this.#stderr)) {
      if (this.#over) throw new Error(`it ended and never said ${pattern}:\n${this.#stderr.slice(-3000)}`);
      await new Promise<void>((resolve) => this.#heard.push(resolve));
    }
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#kill(signal);
  }
}

/** Runs a command to its end. */
export async function weir(...args: string[]): Promise<Ended> {
  return await new RunnerProcess(args).ended;
}
