import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CrashPoint } from '@weir/sdk';
import { describeWithServices, service } from '@weir/testkit/services';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ApiClient } from '../api/client.ts';
import { SeededRandom } from '../demo/seeded-random.ts';
import { askDuckdb, byKey, expectContinuous, historySql } from './history-check.fake.ts';
import { MysqlCountedRows, mysqlCountedTables } from './mysql-counted-rows.fake.ts';
import { RunnerProcess, weir } from './runner-process.ts';

// Real servers, and a process that starts again and again.
vi.setConfig({ testTimeout: 300_000 });

/** Where the process is killed, and at most how many passes of it are let happen. */
const points: readonly (readonly [point: CrashPoint, passes: number])[] = [
  ['source.chunk-read', 15],
  ['engine.before-write', 40],
  ['engine.before-commit', 30],
  ['engine.before-confirm', 30],
  ['sink.before-commit', 30],
  ['sink.commit-unanswered', 30],
];

const seed = Number(process.env['WEIR_SEED'] ?? Date.now() % 1_000_000);

for (const server of [service('mysql'), service('mariadb')]) {
  await describeWithServices(`${server.title}: every version of every row arrives once, in order, in mode: append (seed ${seed})`, [server], () => {
    const random = new SeededRandom(seed);
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'weir-history-'));
    });
    afterAll(async () => {
      await rm(folder, { recursive: true, force: true });
    });

    it('while the process is killed, also while tables are copied again (invariants 1 to 5 and 7)', async () => {
      await using database = await server.database();
      const rows = new MysqlCountedRows(database.url, () => random.next());
      await rows.create();
      const [file, state, duckdb] = ['weir.yaml', 'state', 'history.duckdb'].map((name) => join(folder, name)) as [string, string, string];
      const tables = mysqlCountedTables.map(({ name }) => `${database.name}.${name}`);
      const snapshot = { chunk_rows: random.int(1, 4) };
      const source = { mysql: { url: database.url, tables: [`${database.name}.*`, `!${database.name}.log`], snapshot } };
      const pipelines = { counted: { source, sinks: { history: { duckdb: { path: duckdb }, mode: 'append' } } } };
      // JSON is YAML.
      await writeFile(file, JSON.stringify({ version: 1, state, http: false, pipelines }));

      /** Runs the process until a crash point, or until everything is done when that is not passed so often. */
      const killAt = async (crashAt: string | null, work: () => Promise<void>): Promise<void> => {
        const runner = new RunnerProcess(['run', file], crashAt);
        try {
          await Promise.race([runner.ended, work()]);
        } finally {
          runner.kill();
        }
        const { signal, stderr } = await runner.ended;
        expect(signal, stderr.slice(-3000)).toBe('SIGKILL');
      };
      const somewhere = async (): Promise<void> => {
        const [point, passes] = random.pick(points);
        await killAt(`${point}:${random.int(1, passes)}`, async () => await sleep(2000 + 1500 * random.next()));
      };

      rows.start();
      try {
        for (let kill = 0; kill < 4; kill++) await somewhere();
        await killAt(null, async () => {
          await expect.poll(async () => await phaseOf(state), { interval: 50 }).toBe('stream');
          const { client } = (await ApiClient.find(state))!;
          const copy = { pipeline: 'counted', how: 'anew' } as const;
          await client.copy({ ...copy, tables: [tables[0]!], wait: true });
          await client.copy({ ...copy, tables, wait: false });
          await sleep(500 * random.next());
        });
        for (let kill = 0; kill < 2; kill++) await somewhere();
      } finally {
        await rows.stop();
      }
      const { code, stderr } = await weir('run', file, '--until-caught-up');
      expect(code, stderr.slice(-3000)).toBe(0);
      expect(rows.commits).toBeGreaterThan(0);
      let copies = 0;
      for (const table of mysqlCountedTables) {
        const happened = byKey(await rows.happened(table));
        const history = await askDuckdb(duckdb, historySql(database.name, table, 'sha256'));
        copies += expectContinuous(table.name, { table, happened, history, current: await rows.current(table) });
      }
      expect(copies).toBeGreaterThan(0);
    });
  });
}

async function phaseOf(state: string): Promise<string | undefined> {
  return (await ApiClient.find(state))?.status.pipelines[0]?.source.phase;
}
