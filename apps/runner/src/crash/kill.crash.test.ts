import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crashPoints, type CrashPoint } from '@weir/sdk';
import { temporaryPostgres, type TemporaryPostgres } from '@weir/services';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SeededRandom } from '../demo/seeded-random.ts';
import { BankMirror, expectEqual } from './bank-mirror.fake.ts';
import { BankLoad, createBank } from './bank.ts';
import { RunnerProcess } from './runner-process.ts';

/** The passes of each point at which the process is killed, one after the other on the same sink. */
const passes: Record<CrashPoint, readonly number[]> = {
  'source.slot-created': [1],
  'source.snapshot-exported': [1],
  'source.round-begun': [1, 2],
  'source.chunk-read': [1, 3],
  'source.mid-transaction': [1, 2],
  'source.confirm-sent': [1, 9],
  'engine.before-write': [2, 20],
  'engine.before-commit': [1, 12],
  'engine.before-confirm': [1, 15],
  'engine.draining': [1],
  'sink.fence-taken': [1, 1],
  'sink.before-commit': [1, 11],
  'sink.commit-unanswered': [1, 13],
};

/** How far behind, in bytes, the log is read past the WAL sender: by turns always and, as a killed runner is not so far, never. */
const ways = [0, 64 << 20];

const seed = Number(process.env['WEIR_SEED'] ?? Date.now() % 1_000_000);

async function onServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(sql);
  await client.end();
}

describe(`a killed runner loses and doubles nothing (seed ${seed})`, () => {
  let server: TemporaryPostgres;
  let folder: string;
  const random = new SeededRandom(seed);

  beforeAll(async () => {
    server = await temporaryPostgres();
    folder = await mkdtemp(join(tmpdir(), 'weir-crash-'));
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  function urlOf(bank: string): string {
    return Object.assign(new URL(server.url), { pathname: `/${bank}` }).href;
  }

  /** A bank in a database of its own, which is small again. */
  async function openBank(name: string): Promise<BankLoad> {
    await onServer(server.url, `CREATE DATABASE ${name}`);
    await createBank(urlOf(name));
    const load = new BankLoad(urlOf(name), () => random.next());
    load.start();
    return load;
  }

  /** @param start how many there were before */
  async function configure(name: string, start = 0): Promise<{ file: string; mirror: BankMirror }> {
    const file = join(folder, `${name}.yaml`);
    const duckdb = join(folder, `${name}.duckdb`);
    const source = { postgres: { url: urlOf(name), tables: ['public.*'], catch_up_at: ways[start % ways.length] } };
    const pipelines = { [name]: { source, sinks: { mirror: { duckdb: { path: duckdb } } } } };
    // JSON is YAML.
    await writeFile(file, JSON.stringify({ version: 1, state: join(folder, `${name}.state`), http: false, pipelines }));
    return { file, mirror: new BankMirror(duckdb, 'public') };
  }

  async function closeBank(name: string): Promise<void> {
    await onServer(server.url, `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = 'weir_${name}'`);
    await onServer(server.url, `DROP DATABASE ${name} WITH (FORCE)`);
  }

  it.for(crashPoints.map((point) => [point] as const))('at %s (invariants 1, 3, 4, 5)', { timeout: 240_000 }, async ([point]) => {
    const name = point.replace(/[^a-z]/g, '_');
    const { file, mirror } = await configure(name);
    const load = await openBank(name);
    try {
      for (const [start, pass] of passes[point].entries()) {
        await configure(name, start);
        const args = point === 'engine.draining' ? ['run', file, '--until-caught-up'] : ['run', file];
        const killed = await new RunnerProcess(args, `${point}:${pass}`).ended;
        expect(killed.signal, `${point} was not passed ${pass} times\n${killed.stderr.slice(-2000)}`).toBe('SIGKILL');
        await mirror.expectWholeTransactions();
      }
    } finally {
      await load.stop();
    }
    await expectEqual(file);
    await closeBank(name);
  });

  it('at random moments (invariants 1, 3, 4, 5)', { timeout: 240_000 }, async () => {
    const { file, mirror } = await configure('random');
    const load = await openBank('random');
    try {
      for (let round = 0; round < 6; round++) {
        await configure('random', round);
        const runner = new RunnerProcess(['run', file]);
        await new Promise((resolve) => setTimeout(resolve, 600 + random.next() * 2500));
        runner.kill();
        expect((await runner.ended).signal).toBe('SIGKILL');
        await mirror.expectWholeTransactions();
      }
    } finally {
      await load.stop();
    }
    await expectEqual(file);
    await closeBank('random');
  });
});
