import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { UNSOUND } from './commit-check.ts';
import { childrenOf } from './processes.ts';

const main: string = fileURLToPath(new URL('../../../apps/runner/src/main.ts', import.meta.url));
/** Characters of standard error that are kept. */
const KEPT = 20_000;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  /** The end of it. */
  readonly stderr: string;
}

export interface RunnerOptions {
  /** `NAME:COUNT` of a crash point. */
  readonly crashAt?: string;
  /** A command that runs it, such as strace with its options. */
  readonly under?: readonly string[];
}

/** A `weir` command as a child process. */
export class Runner {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  #stderr = '';
  /** How often it has written each error code. */
  readonly codes: Map<string, number> = new Map();
  /** What it has called a defect of its own. */
  readonly defects: string[] = [];
  isOver = false;
  /** It was killed, or told to end. */
  isExpectedToEnd = false;

  constructor(args: readonly string[], { crashAt, under = [] }: RunnerOptions = {}) {
    const [program, ...before] = [...under, process.execPath];
    this.#child = spawn(program, [...before, '--conditions=@weir/source', main, ...args], {
      env: { ...process.env, ...(crashAt === undefined ? {} : { WEIR_CRASH_AT: crashAt }), NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    this.#child.stdout!.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    createInterface({ input: this.#child.stderr! }).on('line', (line) => this.#hear(line));
    this.ended = once(this.#child, 'close').then(([code, signal]) => {
      this.isOver = true;
      return { code: code as number | null, signal: signal as NodeJS.Signals | null, stdout, stderr: this.#stderr };
    });
  }

  get stderr(): string {
    return this.#stderr;
  }

  #hear(line: string): void {
    this.#stderr = `${this.#stderr}${line}\n`.slice(-KEPT);
    // The status line repeats the last error.
    const code = line.includes('"level":"info"') ? undefined : /WEIR_[A-Z_]+/.exec(line)?.[0];
    if (code !== undefined) this.codes.set(code, (this.codes.get(code) ?? 0) + 1);
    if (code === 'WEIR_INTERNAL' || line.includes(UNSOUND)) this.defects.push(line);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** To what the command around it runs. */
  signalTraced(signal: NodeJS.Signals): void {
    for (const pid of childrenOf(this.#child.pid!)) process.kill(pid, signal);
  }

  async kill(): Promise<void> {
    this.isExpectedToEnd = true;
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  /** Waits for its end, and kills it when that does not come. @returns null when it had to be killed */
  async endsWithin(ms: number): Promise<Ended | null> {
    const { promise, resolve } = Promise.withResolvers<null>();
    const limit = setTimeout(() => resolve(null), ms);
    try {
      const ended = await Promise.race([this.ended, promise]);
      if (ended === null) await this.kill();
      return ended;
    } finally {
      clearTimeout(limit);
    }
  }
}

/** The last error code that a runner has written. */
export function lastCode(stderr: string): string {
  return stderr.match(/WEIR_[A-Z_]+/g)?.at(-1) ?? 'no code';
}
