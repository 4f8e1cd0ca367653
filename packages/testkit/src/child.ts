import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** A child process that runs a program of the workspace; ended with the test. */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #exit: Promise<unknown[]>;

  /** @param program where its file is */
  constructor(program: URL, args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.#process = spawn(process.execPath, ['--conditions=@weir/source', fileURLToPath(program), ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...environment },
    });
    this.#exit = once(this.#process, 'exit');
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#process.pid!;
  }

  /** The next line that it prints; undefined at the end. */
  async line(): Promise<string | undefined> {
    const next = await this.#lines.next();
    return next.done === true ? undefined : next.value;
  }

  send(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Ends its input and waits for its end. @returns the signal that killed it, or its exit code */
  async end(): Promise<unknown> {
    this.#process.stdin.end();
    const [code, signal] = await this.#exit;
    return signal ?? code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exit;
  }
}
