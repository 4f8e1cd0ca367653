import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { EmbeddedPostgres, FaultyProxy } from '@weir/services';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BankLoad, createBank } from './bank.ts';
import { RunnerProcess, weir } from './runner-process.ts';

describe('what goes away comes back, and nothing is lost or doubled', () => {
  let folder: string;
  let server: EmbeddedPostgres;
  let proxy: FaultyProxy;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-outage-'));
    server = await EmbeddedPostgres.start({ directory: join(folder, 'postgres') });
    proxy = await FaultyProxy.listen(server.port);
    await createBank(server.url);
  });

  afterAll(async () => {
    await proxy[Symbol.asyncDispose]();
    await EmbeddedPostgres.remove(join(folder, 'postgres'));
    await rm(folder, { recursive: true, force: true });
  });

  async function configure(name: string): Promise<{ file: string; duckdb: string }> {
    const file = join(folder, `${name}.yaml`);
    const duckdb = join(folder, `${name}.duckdb`);
    const url = proxy.through(server.url);
    const pipelines = { [name]: { source: { postgres: { url } }, sinks: { mirror: { duckdb: { path: duckdb } } } } };
    await writeFile(file, JSON.stringify({ version: 1, state: join(folder, `${name}.state`), http: false, pipelines }));
    return { file, duckdb };
  }

  /** Changes of shape so far: the tables are those of all tests, and so are the names in them. */
  let shapes = 0;

  /** Some transactions at the source, and time for them to flow. */
  async function live(seconds: number): Promise<void> {
    const load = new BankLoad(server.url, Math.random);
    load.shapes = shapes;
    load.start();
    await sleep(seconds * 1000);
    await load.stop();
    shapes = load.shapes;
  }

  async function expectDrainedAndEqual(file: string, runner: RunnerProcess): Promise<void> {
    runner.kill('SIGTERM');
    const drained = await runner.ended;
    expect(drained.code, drained.stderr).toBe(0);
    const caughtUp = await weir('run', file, '--until-caught-up');
    expect(caughtUp.code, caughtUp.stderr).toBe(0);
    const verified = await weir('verify', file, '--json');
    expect(verified.code, verified.stdout + verified.stderr).toBe(0);
  }

  for (const mode of ['fast', 'immediate'] as const) {
    it(`the server stops (${mode}) and starts again`, { timeout: 180_000 }, async () => {
      const { file } = await configure(`stopped_${mode}`);
      const runner = new RunnerProcess(['run', file]);
      await runner.says('streaming|copying');
      await live(2);
      proxy.target = 0;
      await server.stop(mode);
      await runner.says('WEIR_PG_CONNECT');
      server = await EmbeddedPostgres.start({ directory: join(folder, 'postgres') });
      proxy.target = server.port;
      await live(3);
      await expectDrainedAndEqual(file, runner);
    });
  }

  it('connections are reset again and again', { timeout: 180_000 }, async () => {
    const { file } = await configure('reset');
    const runner = new RunnerProcess(['run', file]);
    await runner.says('pipeline opened');
    for (let cut = 0; cut < 5; cut++) {
      await live(1);
      proxy.cut();
    }
    await runner.says('WEIR_PG_CONNECTION_LOST');
    await expectDrainedAndEqual(file, runner);
  });

  it('the sink’s file is held by another process: said with its code, and it goes on when the file is free', { timeout: 120_000 }, async () => {
    const { file, duckdb } = await configure('locked');
    const holder = await DuckDBInstance.create(duckdb);
    const runner = new RunnerProcess(['run', file]);
    await runner.says('WEIR_DUCKDB_LOCKED');
    holder.closeSync();
    await runner.says('pipeline opened');
    await expectDrainedAndEqual(file, runner);
  });

  it('a second runner with the same state is refused at once', { timeout: 120_000 }, async () => {
    const { file } = await configure('second');
    const runner = new RunnerProcess(['run', file]);
    await runner.says('pipeline opened');
    const second = await weir('run', file);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain('WEIR_STORE_LOCKED');
    await expectDrainedAndEqual(file, runner);
  });
});
