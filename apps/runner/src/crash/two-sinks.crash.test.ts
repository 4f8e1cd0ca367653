import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CrashPoint } from '@weir/sdk';
import { temporaryPostgres, type TemporaryPostgres } from '@weir/services';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SeededRandom } from '../demo/seeded-random.ts';
import { BankLoad, createBank } from './bank.ts';
import { RunnerProcess, weir } from './runner-process.ts';

/** Where the runner is killed while it copies, so that one sink is a chunk behind the other. */
const kills: readonly (readonly [point: CrashPoint, pass: number])[] = [
  ['source.round-begun', 1],
  ['source.chunk-read', 2],
  ['engine.before-commit', 4],
  ['sink.before-commit', 5],
  ['sink.commit-unanswered', 3],
  ['engine.before-confirm', 6],
  ['source.chunk-read', 9],
  ['source.round-begun', 3],
  ['sink.commit-unanswered', 8],
];

const seed = Number(process.env['WEIR_SEED'] ?? Date.now() % 1_000_000);

describe(`two sinks that are copied to in small chunks, and killed (seed ${seed})`, () => {
  let server: TemporaryPostgres;
  let load: BankLoad;
  let folder: string;
  const random = new SeededRandom(seed);

  beforeAll(async () => {
    server = await temporaryPostgres();
    await createBank(server.url);
    folder = await mkdtemp(join(tmpdir(), 'weir-crash-'));
    load = new BankLoad(server.url, () => random.next());
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** @param chunkRows small, so that a copy has many places where one sink can be ahead */
  async function configure(name: string, chunkRows: number): Promise<string> {
    const file = join(folder, `${name}.yaml`);
    const snapshot = { chunk_rows: chunkRows };
    const source = { postgres: { url: server.url, tables: ['public.*'], snapshot, catch_up_at: 1 } };
    const sink = (of: string): object => ({ duckdb: { path: join(folder, `${name}-${of}.duckdb`) } });
    const pipelines = { [name]: { source, sinks: { first: sink('first'), second: sink('second') } } };
    // JSON is YAML.
    await writeFile(file, JSON.stringify({ version: 1, state: join(folder, `${name}.state`), http: false, pipelines }));
    return file;
  }

  it('both end equal to the source (invariants 1, 3, 4 and 7)', { timeout: 400_000 }, async () => {
    const file = await configure('both', 150);
    load.start();
    try {
      for (const [point, pass] of kills) {
        const { signal, stderr } = await new RunnerProcess(['run', file], `${point}:${pass}`).ended;
        expect(signal, `${point} was not passed ${pass} times\n${stderr.slice(-2000)}`).toBe('SIGKILL');
      }
      for (let round = 0; round < 5; round++) {
        const runner = new RunnerProcess(['run', file]);
        await new Promise((resolve) => setTimeout(resolve, 700 + random.next() * 2500));
        runner.kill();
        expect((await runner.ended).signal).toBe('SIGKILL');
      }
    } finally {
      await load.stop();
    }
    const caughtUp = await weir('run', file, '--until-caught-up');
    expect(caughtUp.code, caughtUp.stderr).toBe(0);
    const verified = await weir('verify', file, '--json');
    expect(verified.code, verified.stdout + verified.stderr).toBe(0);
  });
});
