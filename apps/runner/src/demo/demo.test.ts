import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { EmbeddedPostgres } from '@weir/services';
import { Client } from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import type { CommandContext } from '../commands/context.ts';
import { runDemo } from './demo.ts';

/** Starts real servers, several times. */
const LONG = { timeout: 120_000 };
const SMALL = { customers: 2000, products: 300, orders: 3000 };

const directories: string[] = [];
const runs: Run[] = [];

// Not by `using`: a test that timed out never gets to its end.
afterEach(async () => {
  for (const { interrupt } of runs.splice(0)) interrupt.abort();
  for (const directory of directories.splice(0)) {
    await EmbeddedPostgres.remove(join(directory, 'postgres'));
    await rm(directory, { recursive: true, force: true });
  }
});

/** A folder that the server's account can reach; what runs there is stopped and removed after the test. */
async function newDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'weir-demo-'));
  directories.push(path);
  await chmod(path, 0o755);
  return path;
}

class Captured extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

interface DemoRun {
  readonly seconds?: number;
  readonly fresh?: true;
  readonly rate?: number;
  readonly json?: true;
}

interface Run {
  readonly stdout: Captured;
  readonly stderr: Captured;
  readonly interrupt: AbortController;
  readonly ended: Promise<void>;
}

function startDemo(directory: string, options: DemoRun = {}): Run {
  const [stdout, stderr, interrupt] = [new Captured(), new Captured(), new AbortController()];
  const streams = { stdout, stderr } as unknown as Pick<CommandContext, 'stdout' | 'stderr'>;
  const ended = runDemo({ directory, ...options }, { ...streams, stdin: process.stdin, env: {}, signal: interrupt.signal, secrets: [] }, SMALL);
  ended.catch(() => {});
  const run = { stdout, stderr, interrupt, ended };
  runs.push(run);
  return run;
}

async function demo(directory: string, options: DemoRun): Promise<Run> {
  const run = startDemo(directory, options);
  await run.ended;
  return run;
}

describe('the demo', () => {
  test('copies, streams under load and verifies; another start resumes, a fresh one copies again', LONG, async () => {
    const directory = await newDirectory();
    const first = await demo(directory, { seconds: 2 });
    expect(first.stderr.text).toContain('the shop is filled');
    expect(first.stderr.text).toContain('the copy is complete');
    expect(first.stderr.text).not.toContain('resumed');
    expect(first.stdout.text).toMatch(/public\.order_lines\s+[\d,]+\s+[\d,]+/);
    expect(first.stdout.text).toMatch(/^verified$/m);

    const second = await demo(directory, { seconds: 1 });
    expect(second.stderr.text).toMatch(/resumed from checkpoint \S+; nothing is copied again/);
    expect(second.stderr.text).not.toContain('the copy is complete');
    expect(second.stderr.text).not.toContain('filled');
    expect(second.stdout.text).toMatch(/^verified$/m);

    const third = await demo(directory, { seconds: 1, fresh: true, rate: 0, json: true });
    expect(third.stderr.text).toContain('the shop is filled');
    expect(third.stderr.text).toContain('the copy is complete');
    const orderLines = expect.objectContaining({ table: 'public.order_lines', equal: true }) as unknown;
    expect(JSON.parse(third.stdout.text)).toMatchObject({
      equal: true,
      pipelines: [{ sinks: [{ equal: true, tables: expect.arrayContaining([orderLines]) as unknown[] }] }],
    });
  });

  test('ends on the first interrupt, verified, with the server stopped', LONG, async () => {
    const directory = await newDirectory();
    const run = startDemo(directory);
    await expect.poll(() => run.stderr.text).toContain('now streaming');
    const port = Number(/PostgreSQL runs on 127\.0\.0\.1:(\d+)/.exec(run.stderr.text)![1]);
    run.interrupt.abort();
    await run.ended;
    expect(run.stdout.text).toMatch(/^verified$/m);
    const client = new Client({ host: '127.0.0.1', port });
    await expect(client.connect()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('another one in the same folder is refused and leaves the first alone', LONG, async () => {
    const directory = await newDirectory();
    const first = startDemo(directory);
    await expect.poll(() => first.stderr.text).toContain('now streaming');
    const second = startDemo(directory, { fresh: true });
    await expect(second.ended).rejects.toMatchObject({ code: 'WEIR_STORE_LOCKED' });
    first.interrupt.abort();
    await first.ended;
    expect(first.stdout.text).toMatch(/^verified$/m);
  });

  test('a difference is found, named by its key, and is an error', LONG, async () => {
    const directory = await newDirectory();
    await demo(directory, { seconds: 1 });
    const { DuckDBInstance } = await import('@duckdb/node-api');
    const instance = await DuckDBInstance.create(join(directory, 'shop.duckdb'));
    const connection = await instance.connect();
    await connection.run(`UPDATE public.customers SET name = 'somebody else' WHERE id = 77`);
    connection.closeSync();
    instance.closeSync();
    const run = startDemo(directory, { seconds: 1, rate: 0 });
    await expect(run.ended).rejects.toMatchObject({ code: 'WEIR_VERIFY_DIFFERENT' });
    expect(run.stdout.text).toContain('77');
    expect(run.stdout.text).not.toMatch(/^verified$/m);
  });

  test.each([800, 2000, 4000])('killed with -9 after %i ms, another start ends verified', LONG, async (delayMs) => {
    const directory = await newDirectory();
    const module = new URL('./demo.ts', import.meta.url).href;
    const script = `
      import { runDemo } from ${JSON.stringify(module)};
      const { stdout, stderr } = process;
      const context = { env: {}, stdout, stderr, signal: new AbortController().signal, secrets: [] };
      await runDemo({ directory: ${JSON.stringify(directory)} }, context, ${JSON.stringify(SMALL)});`;
    const args = ['--conditions=@weir/source', '--input-type=module', '-e', script];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const exit = once(child, 'exit');
    await once(child.stderr, 'data');
    const timer = setTimeout(() => child.kill('SIGKILL'), delayMs);
    expect(await exit).toEqual([null, 'SIGKILL']);
    clearTimeout(timer);
    const run = await demo(directory, { seconds: 1 });
    expect(run.stdout.text).toMatch(/^verified$/m);
  });
});
