import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeBacklog, orders, tiny, type Load } from './backlog.ts';
import { contest, standingLines } from './contest.ts';
import { prepare, sinkTitles, subscription, weirTo } from './delivery-contenders.ts';
import { profiled } from './profiled.ts';
import { recvlogical } from './stream-contenders.ts';
import type { Report, SinkName, Suite, SuiteOptions } from './suite.ts';

/** A backlog of large transactions, delivered and durable. */
export const delivery: Suite = {
  about: 'a backlog into each sink, durable there, beside pg_recvlogical, which keeps nothing, and a subscription',
  rows: 1_000_000,
  quickRows: 100_000,
  runs: 5,
  run: async (options) => await deliver('delivery', orders(options.rows), options),
  profile: async (options, folder) => await profileDelivery(orders(options.rows), options, folder),
};

/** The same into one sink. */
export function deliveryInto(sink: SinkName): Suite {
  const only = (options: SuiteOptions): SuiteOptions => ({ ...options, sinks: [sink] });
  return {
    ...delivery,
    about: `delivery, ${sinkTitles[sink]} only`,
    run: async (options) => await delivery.run(only(options)),
    profile: async (options, folder) => await delivery.profile!(only(options), folder),
  };
}

/** The same of transactions of one row. */
export const tinyDelivery: Suite = {
  about: 'the same with transactions of one row',
  rows: 100_000,
  quickRows: null,
  runs: 5,
  run: async (options) => await deliver('tiny', tiny(options.rows), options),
};

async function deliver(what: string, load: Load, { runs, sinks, log }: SuiteOptions): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'weir-bench-'));
  try {
    log(`a backlog of ${load.rows.toLocaleString('en')} rows`);
    await using backlog = await makeBacklog(load, async (start) => {
      for (const sink of sinks) await prepare(sink, start, join(folder, sink));
    });
    const contenders = [
      ...recvlogical(backlog, log),
      ...sinks.flatMap((sink) =>
        (['catches up', 'streams'] as const).map((way) => weirTo(sink, backlog, join(folder, sink), { way })),
      ),
      subscription(load, backlog),
    ];
    const standings = await contest({ contenders, rows: backlog.rows, runs, serverPid: backlog.serverPid, log });
    const [count, transactions] = [load.rows, load.transactions.length].map((number) => number.toLocaleString('en'));
    const title = `${what}: ${count} rows in ${transactions} transactions`;
    return { title: `${title}, median of ${runs}`, lines: standingLines(standings) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function profileDelivery(load: Load, { sinks, log }: SuiteOptions, profiles: string): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'weir-bench-'));
  try {
    log(`a backlog of ${load.rows.toLocaleString('en')} rows`);
    await using backlog = await makeBacklog(load, async (start) => {
      for (const sink of sinks) await prepare(sink, start, join(folder, sink));
    });
    const lines: Record<string, string>[] = [];
    for (const sink of sinks) {
      const run = async (file: string): Promise<void> => {
        const contender = weirTo(sink, backlog, join(folder, sink), { profile: file });
        await contender.prepare?.();
        await contender.run();
        await contender.check?.();
      };
      lines.push(...(await profiled(sinkTitles[sink], `delivery-${sink}`, run, { folder: profiles, log })));
    }
    return { title: `delivery, profiled: ${backlog.rows.toLocaleString('en')} rows`, lines };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
