import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryPostgres } from '@weir/services';
import pg from 'pg';
import { tiny } from './backlog.ts';
import { runWeir, weirMain } from './measured-process.ts';
import { familyCpu, processCpu, wakeUps } from './process-stat.ts';
import type { Suite } from './suite.ts';

/** How long a runner rests before it is looked at, in ms. */
const SETTLE_MS = 5_000;
/** How long it is looked at, in ms. */
const LOOK_MS = 20_000;

/** What a runner costs that has nothing to do. */
export const idle: Suite = {
  about: 'processor time and wake-ups of a runner, and of its server, while nothing happens',
  rows: 1_000,
  quickRows: null,
  runs: 3,
  async run({ runs, log }) {
    await using server = await temporaryPostgres({ wal_level: 'logical' });
    const client = new pg.Client(server.url);
    await client.connect();
    await client.query(tiny(1).create);
    await client.end();
    const folder = await mkdtemp(join(tmpdir(), 'weir-bench-'));
    try {
      const source = { postgres: { url: server.url, tables: ['public.*'] } };
      const pipelines = { idle: { source, sinks: { mirror: { duckdb: { path: './mirror.duckdb' } } } } };
      await writeFile(join(folder, 'weir.yaml'), JSON.stringify({ version: 1, http: false, pipelines }));
      await runWeir(['run', 'weir.yaml', '--until-caught-up'], folder);
      const lines: Record<string, string>[] = [];
      for (let round = 0; round < runs; round++) {
        for (const [what, place] of [['no runner', null], ['a runner', folder]] as const) {
          log(`round ${round + 1} of ${runs}: ${what}`);
          lines.push({ what, round: String(round + 1), ...(await look(server.pid, place)) });
        }
      }
      return { title: `idle: ${LOOK_MS / 1000} s without a change`, lines };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** @param folder where the runner starts; null for none */
async function look(serverPid: number, folder: string | null): Promise<Record<string, string>> {
  const runner = folder === null ? null : spawn(process.execPath, ['--conditions=@weir/source', weirMain, 'run', 'weir.yaml'], { cwd: folder, stdio: 'ignore' });
  try {
    await sleep(SETTLE_MS);
    const pid = runner?.pid ?? null;
    const read = (): number[] => [pid === null ? 0 : processCpu(pid), familyCpu(serverPid), pid === null ? 0 : wakeUps(pid)];
    const before = read();
    await sleep(LOOK_MS);
    if (runner !== null && runner.exitCode !== null) throw new Error(`the runner ended with ${runner.exitCode}`);
    const [own, server, woken] = read().map((value, index) => (value - before[index]!) / (LOOK_MS / 1000));
    return { 'runner, % of a core': (own! * 100).toFixed(2), 'server, % of a core': (server! * 100).toFixed(2), 'wake-ups/s': woken!.toFixed(1) };
  } finally {
    if (runner !== null && runner.exitCode === null) {
      const ended = once(runner, 'exit');
      runner.kill('SIGTERM');
      await ended;
    }
  }
}
