import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSqliteStore } from './sqlite-store.ts';

const program = fileURLToPath(new URL('./testing/hold-store.ts', import.meta.url));
const shard = { pipeline: 'shop', sink: 'warehouse', shard: 0 };

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'weir-crash-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A child process that has the directory's store, or tried to. */
class Child implements AsyncDisposable {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  constructor(command: string, ...args: readonly string[]) {
    this.#process = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  static withStore(): Child {
    return new Child(process.execPath, '--conditions=@weir/source', program, directory);
  }

  /** As `withStore`, with a limit on the size of every file that it writes, in blocks of 512 bytes. */
  static withFileLimit(blocks: number): Child {
    const script = `ulimit -f ${blocks}; exec "$@"`;
    return new Child('sh', '-c', script, 'sh', process.execPath, '--conditions=@weir/source', program, directory);
  }

  async line(): Promise<string | undefined> {
    const next = await this.#lines.next();
    return next.done === true ? undefined : next.value;
  }

  save(count: number): void {
    this.#process.stdin.write(`${count}\n`);
  }

  /** Kills the process and gives what it had still printed. */
  async kill(): Promise<string[]> {
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await gone;
    const rest: string[] = [];
    for (let line = await this.line(); line !== undefined; line = await this.line()) rest.push(line);
    return rest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) await this.kill();
  }
}

test('a checkpoint whose save has resolved is there after kill -9 (invariants 1 and 4)', async () => {
  let last = 0;
  for (const saves of [1, 2, 40, 400]) {
    await using child = Child.withStore();
    expect(await child.line()).toBe('open');
    child.save(1_000_000);
    let saved = '';
    for (let i = 0; i < saves; i++) saved = (await child.line())!;
    saved = (await child.kill()).at(-1) ?? saved;
    await using store = openSqliteStore(directory);
    const stored = await store.loadCheckpoint(shard);
    const position = Number(stored?.checkpoint.position);
    expect(Number(saved)).toBeGreaterThanOrEqual(saves);
    // One more may have been saved that the child had no time to print; none may be missing.
    expect([Number(saved), Number(saved) + 1]).toContain(position);
    last = position;
  }
  expect(last).toBeGreaterThanOrEqual(400);
});

test('a second process is refused while the first lives, however it lives, and no longer', async () => {
  await using first = Child.withStore();
  expect(await first.line()).toBe('open');
  expect(() => openSqliteStore(directory)).toThrow(expect.objectContaining({ code: 'WEIR_STORE_LOCKED' }));
  await using second = Child.withStore();
  expect(await second.line()).toBe('WEIR_STORE_LOCKED');
  first.save(1);
  expect(await first.line()).toBe('00000001');
  await first.kill();
  await using third = Child.withStore();
  expect(await third.line()).toBe('open');
});

test('of two processes that start together one gets the store', async () => {
  for (let round = 0; round < 3; round++) {
    await using one = Child.withStore();
    await using other = Child.withStore();
    const said = await Promise.all([one.line(), other.line()]);
    expect(new Set(said)).toEqual(new Set(['open', 'WEIR_STORE_LOCKED']));
  }
});

test('a write that fails is WEIR_STORE_WRITE, and what was saved before it stays', async () => {
  await openSqliteStore(directory)[Symbol.asyncDispose]();
  await using child = Child.withFileLimit(200);
  expect(await child.line()).toBe('open');
  child.save(1000);
  const said: string[] = [];
  for (let line = await child.line(); line !== undefined; line = await child.line()) {
    said.push(line);
    if (line.startsWith('WEIR_')) break;
  }
  expect(said.at(-1)).toBe('WEIR_STORE_WRITE');
  expect(said.length).toBeGreaterThan(1);
  await child.kill();
  await using store = openSqliteStore(directory);
  expect((await store.loadCheckpoint(shard))?.checkpoint.position).toBe(said.at(-2));
});
