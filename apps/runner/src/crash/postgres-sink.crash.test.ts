import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CrashPoint } from '@weir/sdk';
import { temporaryPostgres, type TemporaryPostgres } from '@weir/services';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SeededRandom } from '../demo/seeded-random.ts';
import { BankLoad, TOTAL, createBank } from './bank.ts';
import { RunnerProcess, weir } from './runner-process.ts';

/** Where the runner is killed while the sink is at work, one after the other; after each row everything must be equal. */
const kills: readonly (readonly (readonly [point: CrashPoint, pass: number])[])[] = [
  [['sink.fence-taken', 1], ['sink.before-commit', 2], ['sink.commit-unanswered', 1]],
  [['sink.before-commit', 9], ['sink.commit-unanswered', 7]],
  [['engine.before-commit', 5], ['engine.before-confirm', 5], ['sink.fence-taken', 1]],
];

const seed = Number(process.env['WEIR_SEED'] ?? Date.now() % 1_000_000);

describe(`PostgreSQL to PostgreSQL: a killed runner loses and doubles nothing (seed ${seed})`, () => {
  let server: TemporaryPostgres;
  let mirrorUrl: string;
  let folder: string;
  let load: BankLoad;
  const random = new SeededRandom(seed);

  beforeAll(async () => {
    server = await temporaryPostgres();
    await createBank(server.url);
    await ask(server.url, 'CREATE DATABASE mirror');
    mirrorUrl = server.url.replace(/\/[^/]*$/, '/mirror');
    folder = await mkdtemp(join(tmpdir(), 'weir-crash-'));
    load = new BankLoad(server.url, () => random.next());
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client(url);
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  /** The money in the sink, and in how many accounts; null while they are not copied. */
  async function totalBalance(): Promise<Record<string, unknown> | null> {
    const [made] = await ask(mirrorUrl, "SELECT to_regclass('public.accounts') AS accounts");
    if (made!['accounts'] === null) return null;
    const [total] = await ask(mirrorUrl, 'SELECT sum(balance)::text AS total, count(*)::int AS rows FROM public.accounts');
    return total!['rows'] === 0 ? null : total!;
  }

  /** What a reader of the sink sees is always a state that the source was in: no money is on its way (invariant 3). */
  async function expectWholeTransactions(): Promise<void> {
    expect([null, { total: String(TOTAL), rows: 1000 }]).toContainEqual(await totalBalance());
  }

  async function configure(): Promise<string> {
    const file = join(folder, 'weir.yaml');
    const source = { postgres: { url: server.url, tables: ['public.*'] } };
    const pipelines = { bank: { source, sinks: { mirror: { postgres: { url: mirrorUrl } } } } };
    // JSON is YAML.
    await writeFile(file, JSON.stringify({ version: 1, state: join(folder, 'state'), http: false, pipelines }));
    return file;
  }

  async function expectEqual(file: string): Promise<void> {
    const caughtUp = await weir('run', file, '--until-caught-up');
    expect(caughtUp.code, caughtUp.stderr).toBe(0);
    const verified = await weir('verify', file, '--json');
    expect(verified.code, verified.stdout + verified.stderr).toBe(0);
  }

  it.for(kills.map((points) => [points.join(' '), points] as const))(
    'at %s (invariants 1, 3, 4, 5)',
    { timeout: 400_000 },
    async ([, points]) => {
      const file = await configure();
      load.start();
      try {
        for (const [point, pass] of points) {
          const killed = await new RunnerProcess(['run', file], `${point}:${pass}`).ended;
          expect(killed.signal, `${point} was not passed ${pass} times\n${killed.stderr.slice(-2000)}`).toBe('SIGKILL');
          await expectWholeTransactions();
        }
      } finally {
        await load.stop();
      }
      await expectEqual(file);
    },
  );

  it('at random moments (invariants 1, 3, 4, 5)', { timeout: 400_000 }, async () => {
    const file = await configure();
    load.start();
    try {
      for (let round = 0; round < 4; round++) {
        const runner = new RunnerProcess(['run', file]);
        await new Promise((resolve) => setTimeout(resolve, 1500 + random.next() * 2500));
        runner.kill();
        expect((await runner.ended).signal).toBe('SIGKILL');
        await expectWholeTransactions();
      }
    } finally {
      await load.stop();
    }
    await expectEqual(file);
  });
});
