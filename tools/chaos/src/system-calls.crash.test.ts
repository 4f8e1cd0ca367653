import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryPostgres, type TemporaryPostgres } from '@weir/services';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Runner, type Ended } from './runner.ts';

const hasStrace = spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']).status === 0;
/** A run that has not met its fault by now never will, in ms. */
const LIMIT_MS = 60_000;

// Without strace there is nothing to see; .ci/run installs it, and counts what is left out as failed.
describe.runIf(hasStrace)('system calls that fail', () => {
  let server: TemporaryPostgres;
  let client: pg.Client;
  let folder: string;

  beforeAll(async () => {
    server = await temporaryPostgres();
    client = new pg.Client(server.url);
    await client.connect();
    await client.query('CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text)');
    await client.query("INSERT INTO events (body) SELECT repeat(md5(g::text), 10) FROM generate_series(1, 2000) g");
    folder = await mkdtemp(join(tmpdir(), 'weir-calls-'));
  });

  afterAll(async () => {
    await client.end();
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function configure(name: string): Promise<string> {
    const file = join(folder, `${name}.yaml`);
    const source = { postgres: { url: server.url } };
    const pipelines = { [name]: { source, sinks: { mirror: { duckdb: { path: join(folder, `${name}.duckdb`) } } } } };
    // JSON is YAML.
    await writeFile(file, JSON.stringify({ version: 1, state: join(folder, `${name}.state`), http: false, pipelines }));
    return file;
  }

  /**
   * Runs `weir run` while rows come in, with system calls on some files answered by an error.
   * @param fault as `strace -e inject=` takes it
   * @param over whether it has shown what it does, from what it has written so far; it is then told to drain
   */
  async function run(name: string, files: readonly string[], fault: string, over: (stderr: string) => boolean): Promise<Ended> {
    const file = await configure(name);
    const [calls] = fault.split(':');
    const paths = files.flatMap((each) => ['-P', join(folder, each)]);
    const strace = ['strace', '-f', '-qq', '-o', join(folder, `${name}.trace`), '-e', `trace=${calls}`, ...paths, '-e', `inject=${fault}`];
    const runner = new Runner(['run', file], { under: strace });
    const deadline = performance.now() + LIMIT_MS;
    while (!runner.isOver && !over(runner.stderr)) {
      if (performance.now() > deadline) {
        runner.signalTraced('SIGKILL');
        await runner.kill();
        throw new Error(`nothing came of ${fault}:\n${runner.stderr}`);
      }
      await client.query("INSERT INTO events (body) VALUES ('one more')");
      await sleep(20);
    }
    if (!runner.isOver) runner.signalTraced('SIGTERM');
    const ended = await runner.ended;
    expect(await readFile(join(folder, `${name}.trace`), 'utf8')).toContain('(INJECTED)');
    return ended;
  }

  async function expectEqual(name: string): Promise<void> {
    for (const args of [['run', join(folder, `${name}.yaml`), '--until-caught-up'], ['verify', join(folder, `${name}.yaml`)]]) {
      const { code, stdout, stderr } = await new Runner(args).ended;
      expect(code, stdout + stderr).toBe(0);
    }
    await client.query('SELECT pg_drop_replication_slot($1)', [`weir_${name}`]);
  }

  it('a sync of the sink’s file: the runner ends with its code and tries nothing again (invariant 1)', { timeout: 180_000 }, async () => {
    const files = ['sync.duckdb', 'sync.duckdb.wal'];
    const { code, stderr } = await run('sync', files, 'fsync,fdatasync:error=EIO:when=4', (said) => /retryInMs.*fsync/.test(said));
    expect(code, stderr).toBe(1);
    expect(stderr).toContain('WEIR_DUCKDB_SYNC');
    expect(stderr).not.toContain('retryInMs');
    await expectEqual('sync');
  });

  it('a write to the sink’s file, for want of room: it is tried again, and goes on', { timeout: 180_000 }, async () => {
    const tries = (said: string): number => said.split('retryInMs').length - 1;
    const { code, stderr } = await run('room', ['room.duckdb.wal'], 'write:error=ENOSPC:when=6+6', (said) => tries(said) >= 4);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('No space left on device');
    expect(stderr).not.toContain('WEIR_INTERNAL');
    await expectEqual('room');
  });
});
