import { makeBacklog, orders } from './backlog.ts';
import { contest, standingLines } from './contest.ts';
import { profiled } from './profiled.ts';
import { catchUpContenders, streamContenders, weirSource } from './stream-contenders.ts';
import type { Report, Suite, SuiteOptions } from './suite.ts';

/** A slot that is behind is read to its end by the replication protocol, and nothing is kept. */
export const stream: Suite = {
  about: 'a backlog, nothing kept: frames counted, Weir by the WAL sender and past it, pg_recvlogical, pg-logical-replication, Debezium',
  rows: 1_000_000,
  quickRows: 100_000,
  runs: 5,
  run: async (options) => await read('stream', streamContenders, options),
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

/** The part of it that is past the WAL sender. */
export const catchup: Suite = {
  ...stream,
  about: 'stream, past the WAL sender only, beside pg_recvlogical',
  run: async (options) => await read('catchup', catchUpContenders, options),
};

async function read(what: string, readers: typeof streamContenders, { rows, runs, log }: SuiteOptions): Promise<Report> {
  log(`a backlog of ${rows.toLocaleString('en')} rows`);
  await using backlog = await makeBacklog(orders(rows));
  const contenders = await readers(backlog, log);
  const standings = await contest({ contenders, rows: backlog.rows, runs, serverPid: backlog.serverPid, log });
  const title = `${what}: ${backlog.rows.toLocaleString('en')} rows in 100 transactions, median of ${runs}`;
  return { title, lines: standingLines(standings) };
}
