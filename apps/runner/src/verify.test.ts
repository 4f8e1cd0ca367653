import { describe, expect, test } from 'vitest';
import type { Sink, Source } from '@weir/sdk';
import { FakeSink, FakeSource, ordersTable } from './connectors.fake.ts';
import { verifyPipeline, type VerifiedSink } from './verify.ts';
import { verdictLines } from './view/verdict.ts';

const { signal } = new AbortController();

/** A source with two tables, and a mirror that lacks a row of the second. */
function world(): { source: FakeSource; mirror: VerifiedSink } {
  const source = new FakeSource(0);
  source.tables = [ordersTable, { ...ordersTable, name: 'lines' }];
  source.content.set('public.orders', [1, 2]).set('public.lines', [1, 2, 3]);
  const sink = new FakeSink();
  sink.content.set('public.orders', [1, 2]).set('public.lines', [1, 2]);
  return { source, mirror: { name: 'mirror', sink, mode: 'mirror', stopped: [] } };
}

describe('verifyPipeline', () => {
  test('compares every table of a mirror', async () => {
    const { source, mirror } = world();
    const [verdict] = await verifyPipeline(source, [mirror], signal);
    expect(verdict).toMatchObject({ sink: 'mirror', equal: false, note: null });
    expect(verdict!.tables.map(({ table, equal }) => [table, equal])).toEqual([
      ['public.orders', true],
      ['public.lines', false],
    ]);
    expect(verdictLines(verdict!).at(-1)).toBe('different');
  });

  test('opens one reader of the source, and one of each sink, whatever the number of tables', async () => {
    const { source, mirror } = world();
    const log: string[] = [];
    const counted = <T extends Source | Sink>(side: T, name: string): T =>
      Object.assign(side, {
        reader: () => {
          log.push(`${name} opened`);
          const end = async (): Promise<void> => void log.push(`${name} closed`);
          return { scan: (...of: Parameters<Source['scan']>) => side.scan!(...of), [Symbol.asyncDispose]: end };
        },
      });
    const sinks = ['first', 'second'].map((name) => ({ ...mirror, name, sink: counted(new FakeSink(), name) }));
    const verdicts = await verifyPipeline(counted(source, 'source'), sinks, signal);
    expect(verdicts.map(({ tables }) => tables.length)).toEqual([2, 2]);
    const expected = ['source opened', 'first opened', 'first closed', 'second opened', 'second closed', 'source closed'];
    expect(log).toEqual(expected);
  });

  test('leaves out what is stopped there, and says so', async () => {
    const { source, mirror } = world();
    const stopped = [{ table: 'public.lines', code: 'WEIR_SINK_TYPE', message: 'the sink cannot hold geometry' }] as const;
    const [verdict] = await verifyPipeline(source, [{ ...mirror, stopped }], signal);
    expect(verdict).toMatchObject({ equal: true, stopped, tables: [{ table: 'public.orders' }] });
    expect(verdictLines(verdict!, { width: 80 }).slice(-5)).toEqual([
      '',
      'stopped  public.lines  WEIR_SINK_TYPE',
      '  the sink cannot hold geometry',
      '',
      'verified',
    ]);
  });

  test('does not compare a history, and that is no difference', async () => {
    const { source, mirror } = world();
    const [verdict] = await verifyPipeline(source, [{ ...mirror, mode: 'append' }], signal);
    expect(verdict).toMatchObject({ equal: null, tables: [], stopped: [] });
    expect(verdictLines(verdict!)).toEqual(['not compared: `mode: append` keeps a history, not what the source holds now']);
  });

  test('refuses a mirror that cannot be read back', async () => {
    const { source, mirror } = world();
    const { sink: readable } = mirror;
    const sink: Sink = {
      open: async (shard, abort) => await readable.open(shard, abort),
      check: async (abort) => await readable.check(abort),
    };
    await expect(verifyPipeline(source, [{ ...mirror, sink }], signal)).rejects.toMatchObject({ code: 'WEIR_USAGE' });
  });
});
