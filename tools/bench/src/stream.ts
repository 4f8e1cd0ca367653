import { makeBacklog, orders } from './backlog.ts';
import { contest, standingLines } from './contest.ts';
import { profiled } from './profiled.ts';
import { streamContenders, weirSource } from './stream-contenders.ts';
import type { Suite } from './suite.ts';

/** A slot that is behind is read to its end by the replication protocol, and nothing is kept. */
export const stream: Suite = {
  about: 'a backlog, nothing kept: frames counted, Weir by the WAL sender and past it, pg_recvlogical, pg-logical-replication, Debezium',
  rows: 1_000_000,
  quickRows: 200_000,
  runs: 5,
  async run({ rows, runs, log }) {
    log(`a backlog of ${rows.toLocaleString('en')} rows`);
    await using backlog = await makeBacklog(orders(rows));
    const contenders = await streamContenders(backlog, log);
    const standings = await contest({ contenders, rows: backlog.rows, runs, serverPid: backlog.serverPid, log });
    const title = `stream: ${backlog.rows.toLocaleString('en')} rows in 100 transactions, median of ${runs}`;
    return { title, lines: standingLines(standings) };
  },
  async profile({ rows, log }, folder) {
    log(`a backlog of ${rows.toLocaleString('en')} rows`);
    await using backlog = await makeBacklog(orders(rows));
    const lines = [];
    for (const way of ['streams', 'catches up'] as const) {
      const run = async (file: string): Promise<unknown> => await weirSource(way, backlog, file).run();
      lines.push(...(await profiled(`Weir, which ${way}`, `stream-${way.replace(' ', '-')}`, run, { folder, log })));
    }
    return { title: `stream, profiled: ${backlog.rows.toLocaleString('en')} rows`, lines };
  },
};
