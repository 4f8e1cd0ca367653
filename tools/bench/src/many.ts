import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeBacklog } from './backlog.ts';
import { contest, cpuRatio, standingLines, type Contender } from './contest.ts';
import { prepare, weirTo } from './delivery-contenders.ts';
import { spread } from './many-tables.ts';
import type { SinkName, Suite, SuiteOptions } from './suite.ts';

/** What it costs that rows are of many tables. */
export const many: Suite = {
  about: 'a backlog of many tables, delivered into each sink, beside one of as many rows of one table',
  rows: 500_000,
  quickRows: null,
  runs: 3,
  async run(options) {
    const lines: Record<string, string>[] = [];
    for (const sink of options.sinks) lines.push(...(await compare(sink, options)));
    return { title: `many: rows of one table and of many, in 100 transactions, median of ${options.runs}`, lines };
  },
};

async function compare(sink: SinkName, { rows, tables, runs, log }: SuiteOptions): Promise<Record<string, string>[]> {
  const folder = await mkdtemp(join(tmpdir(), 'weir-bench-'));
  try {
    const ofMany = spread(rows, tables);
    const ofOne = spread(ofMany.rows, 1);
    log(`${sink}: two backlogs of ${ofMany.rows.toLocaleString('en')} rows`);
    // A server each: what a slot reads of the log is all of it, the other's tables included.
    const places = { one: join(folder, 'one'), many: join(folder, 'many') };
    await using one = await makeBacklog(ofOne, async (start) => await prepare(sink, start, places.one));
    await using other = await makeBacklog(ofMany, async (start) => await prepare(sink, start, places.many));
    const title = `${tables.toLocaleString('en')} tables`;
    const contenders = [
      { ...weirTo(sink, one, places.one), name: 'one table' },
      { ...checkedOnce(weirTo(sink, other, places.many)), name: title, serverPid: other.serverPid },
    ];
    const standings = await contest({ contenders, rows: ofMany.rows, runs, serverPid: one.serverPid, log });
    return standingLines(standings).map((line, index) => ({
      sink,
      ...line,
      'client CPU ÷ one table': cpuRatio(standings[index]!, standings[0]!).toFixed(2),
    }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** To compare many tables takes longer than to deliver them. */
function checkedOnce(contender: Contender): Contender {
  let checked = false;
  return {
    ...contender,
    check: async () => {
      if (!checked) await contender.check?.();
      checked = true;
    },
  };
}
