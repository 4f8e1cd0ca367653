import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeBacklog } from './backlog.ts';
import { contest, standingLines } from './contest.ts';
import { prepare, subscription, weirTo } from './delivery-contenders.ts';
import { streamContenders } from './stream-contenders.ts';
import type { Suite } from './suite.ts';
import { wideRows } from './wide-rows.ts';

/** Rows of 60 columns, read from a slot with nothing kept, and delivered. */
export const wide: Suite = {
  about: 'inserts and updates of 60 columns, one of them a large text that updates leave as it is: streamed, and delivered',
  rows: 100_000,
  quickRows: null,
  runs: 3,
  async run({ rows, runs, sinks, log }) {
    const folder = await mkdtemp(join(tmpdir(), 'weir-bench-'));
    try {
      log(`a backlog of ${rows.toLocaleString('en')} rows`);
      const load = wideRows(rows);
      await using backlog = await makeBacklog(load, async (start) => {
        for (const sink of sinks) await prepare(sink, start, join(folder, sink));
      });
      const delivered = sinks.map((sink) => weirTo(sink, backlog, join(folder, sink)));
      const contenders = [...(await streamContenders(backlog, log)), ...delivered, subscription(load, backlog)];
      const standings = await contest({ contenders, rows: backlog.rows, runs, serverPid: backlog.serverPid, log });
      const title = `wide: ${load.kept.toLocaleString('en')} rows of 60 columns inserted, then updated, in 100 transactions`;
      return { title: `${title}, median of ${runs}`, lines: standingLines(standings) };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
