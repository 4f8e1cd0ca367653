import { setTimeout as sleep } from 'node:timers/promises';
import { crashPoints, type CrashPoint } from '@weir/sdk';
import { describeWithServices, service } from '@weir/testkit/services';
import { expect, it, vi } from 'vitest';
import { SeededRandom } from '../demo/seeded-random.ts';
import { MysqlWorld } from './mysql-world.fake.ts';
import { weir } from './runner-process.ts';

// Real servers, and a process that starts again and again.
vi.setConfig({ testTimeout: 300_000 });

type Kill = readonly [point: CrashPoint, pass: number];

/** Where the process is killed while it copies in small chunks, one after the other on the same sink. */
const copying: readonly Kill[] = [
  ['sink.fence-taken', 1],
  ['source.chunk-read', 1],
  ['sink.commit-unanswered', 2],
  ['sink.commit-unanswered', 3],
  ['source.chunk-read', 5],
  ['engine.before-confirm', 4],
  ['sink.before-commit', 4],
  ['engine.before-commit', 5],
  ['source.chunk-read', 20],
];

/** And where when all was copied. */
const streaming: readonly Kill[] = [
  ['source.mid-transaction', 1],
  ['source.mid-transaction', 2],
  ['engine.before-write', 20],
  ['engine.before-commit', 12],
  ['sink.before-commit', 11],
  ['sink.commit-unanswered', 13],
  ['engine.before-confirm', 15],
];

/** What this source does not do: it makes nothing at the server, and says nothing to it. */
const elsewhere: readonly CrashPoint[] = ['source.slot-created', 'source.snapshot-exported', 'source.round-begun', 'source.confirm-sent'];

const seed = Number(process.env['WEIR_SEED'] ?? Date.now() % 1_000_000);

it('a process of this pipeline is killed at every point that there is', () => {
  const points = [...copying, ...streaming].map(([point]) => point);
  expect(new Set([...points, 'engine.draining', ...elsewhere])).toEqual(new Set(crashPoints));
});

for (const server of [service('mysql'), service('mariadb')]) {
  await describeWithServices(`${server.title} to DuckDB: a killed process loses and doubles nothing (seed ${seed})`, [server], () => {
    const random = new SeededRandom(seed);
    const chance = (): number => random.next();

    it('while it copies (invariants 1, 3, 4, 5 and 7)', async () => {
      await using world = await MysqlWorld.open(server, chance, random.int(150, 600));
      world.load.start();
      for (const [point, pass] of copying) await world.killAt(point, pass);
      await world.expectEqual();
    });

    it('while it streams, and while it ends (invariants 1, 3, 4 and 5)', async () => {
      await using world = await MysqlWorld.open(server, chance, null);
      world.load.start();
      const { code, stderr } = await weir('run', world.file, '--until-caught-up');
      expect(code, stderr).toBe(0);
      for (const [point, pass] of streaming) {
        await world.killAt(point, pass);
        await world.mirror.expectBalancedBooks();
      }
      await world.killAt('engine.draining', 1, '--until-caught-up');
      await world.expectEqual();
    });

    it('at random moments (invariants 1, 3, 4, 5 and 7)', async () => {
      await using world = await MysqlWorld.open(server, chance, random.int(150, 2000));
      world.load.start();
      for (let round = 0; round < 3; round++) await world.killBehind(async () => await sleep(800 + random.next() * 2500));
      await world.expectEqual();
    });

    it('behind a crash of the server, which it outlives (invariants 1, 3, 4 and 5)', async () => {
      await using world = await MysqlWorld.open(server, chance, null);
      world.load.start(false);
      await world.killBehind(async (runner) => {
        await world.streams();
        await server.restart('immediate');
        await runner.says('WEIR_MYSQL_CONNECT');
        const { transactions } = world.load;
        await expect.poll(() => world.load.transactions).toBeGreaterThan(transactions + 100);
        await world.streams();
      });
      await world.expectEqual();
    });
  });
}
