import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SLOT, makeBacklog, orders, type Backlog } from './backlog.ts';
import { contest, standingLines, type Attempt, type Contender } from './contest.ts';
import { runMeasured, runNode } from './measured-process.ts';
import type { Suite } from './suite.ts';
import type { Order, Told } from './told.ts';

/** Slot of pg_recvlogical, which confirms what it has read. */
const COPIED_SLOT = 'bench_copy';

/** A slot that is behind is read to its end by the replication protocol, and nothing is kept. */
export const stream: Suite = {
  about: 'a backlog through the replication protocol: the source of Weir, a counter of frames, pg_recvlogical, pg-logical-replication',
  rows: 1_000_000,
  quickRows: 200_000,
  runs: 5,
  async run({ rows, runs, log }) {
    log(`a backlog of ${rows.toLocaleString('en')} rows`);
    await using backlog = await makeBacklog(orders(rows));
    const recvlogical = pgRecvlogical();
    if (recvlogical === null) log('pg_recvlogical is not installed');
    const contenders = [
      inNode('frames counted', new URL('contenders/frames.ts', import.meta.url), backlog),
      inNode('Weir', new URL('contenders/source.ts', import.meta.url), backlog),
      inNode('slot function, rows counted', new URL('contenders/slot-function.ts', import.meta.url), backlog),
      inNode('pg-logical-replication', new URL('contenders/logical-replication.ts', import.meta.url), backlog),
      ...(recvlogical === null ? [] : [recvlogicalOf(recvlogical, backlog)]),
    ];
    const standings = await contest({ contenders, rows: backlog.rows, runs, serverPid: backlog.serverPid, log });
    return { title: `stream: ${backlog.rows.toLocaleString('en')} rows in 100 transactions, median of ${runs}`, lines: standingLines(standings) };
  },
};

function inNode(name: string, module: URL, { url, rows, checkpoint, end }: Backlog): Contender {
  const order: Order = { url, slot: SLOT, publication: SLOT, rows, checkpoint, end };
  const input = JSON.stringify(order);
  return {
    name,
    async run(): Promise<Attempt> {
      const { stdout } = await runNode(fileURLToPath(module), [], { input });
      const told = JSON.parse(stdout.trim().split('\n').at(-1)!) as Told;
      if (told.rows !== rows) throw new Error(`${name} brought ${told.rows} of ${rows} rows`);
      return told;
    },
  };
}

/** It is started anew each time, which takes a few ms, and ends at the end of the backlog. */
export function recvlogicalOf(program: string, backlog: Backlog): Contender {
  const options = ['-o', 'proto_version=1', '-o', `publication_names=${SLOT}`];
  const args = ['-d', backlog.url, '-S', COPIED_SLOT, '--start', '--no-loop', '-f', '/dev/null', '-F', '0', `--endpos=${backlog.end}`];
  return {
    name: 'pg_recvlogical',
    async run(): Promise<Attempt> {
      await backlog.slotAtStart(COPIED_SLOT);
      return await runMeasured(program, [...args, ...options]);
    },
  };
}

/** The newest that the system has; null without one. */
export function pgRecvlogical(): string | null {
  const folder = '/usr/lib/postgresql';
  try {
    const versions = readdirSync(folder).toSorted((a, b) => Number(b) - Number(a));
    return versions.length === 0 ? null : `${folder}/${versions[0]}/bin/pg_recvlogical`;
  } catch {
    return null;
  }
}
