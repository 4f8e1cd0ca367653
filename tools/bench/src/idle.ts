import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryPostgres } from '@weir/services';
import pg from 'pg';
import { tiny } from './backlog.ts';
import { runWeir, weirMain } from './measured-process.ts';
import { familyCpu, processCpu, processMemory, wakeUps } from './process-stat.ts';
import type { Suite } from './suite.ts';

/** How long a runner rests before it is looked at, in ms. */
const SETTLE_MS = 5_000;
/** How long it is looked at, in ms. */
const LOOK_MS = 20_000;

/** Pipelines of the runners that are looked at; 0 is no runner. */
const RUNNERS = [0, 1, 20];

/** What a runner costs that has nothing to do. */
export const idle: Suite = {
  about: 'processor time and wake-ups of a runner of one pipeline and of 20, and of its server, while nothing happens',
  rows: 1_000,
  quickRows: null,
  runs: 3,
  async run({ runs, log }) {
    const many = { max_replication_slots: '50', max_wal_senders: '50' };
    await using server = await temporaryPostgres({ wal_level: 'logical', ...many });
    const client = new pg.Client(server.url);
    await client.connect();
    await client.query(tiny(1).create);
    await client.end();
    const folder = await mkdtemp(join(tmpdir(), 'weir-bench-'));
    try {
      for (const count of RUNNERS) if (count > 0) await prepare(join(folder, String(count)), count, server.url);
      const lines: Record<string, string>[] = [];
      for (let round = 0; round < runs; round++) {
        for (const pipelines of RUNNERS) {
          log(`round ${round + 1} of ${runs}: ${pipelines} pipelines`);
          const place = pipelines === 0 ? null : join(folder, String(pipelines));
          lines.push({ pipelines: String(pipelines), round: String(round + 1), ...(await look(server.pid, place)) });
        }
      }
      return { title: `idle: ${LOOK_MS / 1000} s without a change`, lines };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** Pipelines of the same table, each with a file of its own; the copies are made. */
async function prepare(folder: string, count: number, url: string): Promise<void> {
  const source = { postgres: { url, tables: ['public.*'] } };
  const named = Array.from({ length: count }, (_, index) => {
    const sinks = { mirror: { duckdb: { path: `./mirror_${index}.duckdb` } } };
    return [`idle_${count}_${index}`, { source, sinks }] as const;
  });
  await mkdir(folder);
  const config = { version: 1, http: false, pipelines: Object.fromEntries(named) };
  await writeFile(join(folder, 'weir.yaml'), JSON.stringify(config));
  await runWeir(['run', 'weir.yaml', '--until-caught-up'], folder);
}

/** @param folder where the runner starts; null for none */
async function look(serverPid: number, folder: string | null): Promise<Record<string, string>> {
  const args = ['--conditions=@weir/source', weirMain, 'run', 'weir.yaml'];
  const runner = folder === null ? null : spawn(process.execPath, args, { cwd: folder, stdio: 'ignore' });
  try {
    await sleep(SETTLE_MS);
    const pid = runner?.pid ?? null;
    const read = (): number[] => [pid === null ? 0 : processCpu(pid), familyCpu(serverPid), pid === null ? 0 : wakeUps(pid)];
    const before = read();
    await sleep(LOOK_MS);
    if (runner !== null && runner.exitCode !== null) throw new Error(`the runner ended with ${runner.exitCode}`);
    const [own, server, woken] = read().map((value, index) => (value - before[index]!) / (LOOK_MS / 1000));
    const memory = pid === null ? 0 : (processMemory(pid)?.resident ?? 0);
    return {
      'runner, % of a core': (own! * 100).toFixed(2),
      'server, % of a core': (server! * 100).toFixed(2),
      'wake-ups/s': woken!.toFixed(1),
      'resident MiB': String(Math.round(memory / 2 ** 20)),
    };
  } finally {
    if (runner !== null && runner.exitCode === null) {
      const ended = once(runner, 'exit');
      runner.kill('SIGTERM');
      await ended;
    }
  }
}
