import { expect, test } from 'vitest';
import { emptyBatch, silentLogger, type Batch, type Checkpoint, type Shard, type SinkSession, type Source } from '@weir/sdk';
import { CommitOrder } from './commit-order.ts';
import { Pipeline } from './pipeline.ts';

const shard = { pipeline: 'shop', shard: 0 };

function at(position: string): Checkpoint {
  return { position, state: null };
}

test('a sink passes another one’s place when that one has committed, and commits what lies before it at once', async () => {
  const order = new CommitOrder<string>();
  order.add('ahead', 'c');
  const done: string[] = [];
  void order.turn('behind', 'c').then(() => done.push('behind to c'));
  void order.turn('behind', 'd').then(() => done.push('behind to d'));
  void order.turn('ahead', 'd').then(() => done.push('ahead to d'));
  await settle();
  expect(done).toEqual(['behind to c', 'ahead to d']);
  order.committed('ahead');
  await settle();
  expect(done).toEqual(['behind to c', 'ahead to d', 'behind to d']);
});

test('of several that are ahead the furthest goes first, and those at one place wait for nobody', async () => {
  const order = new CommitOrder<string>();
  for (const [sink, holds] of [['near', 'b'], ['far', 'c'], ['also far', 'c']] as const) order.add(sink, holds);
  const done: string[] = [];
  for (const sink of ['behind', 'near', 'far', 'also far']) void order.turn(sink, 'd').then(() => done.push(sink));
  await settle();
  expect(done).toEqual(['far', 'also far']);
  order.committed('far');
  order.committed('also far');
  await settle();
  expect(done).toEqual(['far', 'also far', 'near']);
  order.committed('near');
  await settle();
  expect(done.at(-1)).toBe('behind');
});

test('a pipeline that starts from the sink that is behind commits to the other first (invariant 4)', async () => {
  const commits: string[] = [];
  const aheadCommits = Promise.withResolvers<void>();
  const session = (name: string, holds: string): SinkSession => ({
    mode: 'transactional',
    recover: async () => at(holds),
    write: async () => {},
    commit: async ({ position }) => {
      if (name === 'ahead') await aheadCommits.promise;
      commits.push(`${name} ${position}`);
    },
    [Symbol.asyncDispose]: async () => {},
  });
  const sink = (holds: string) => ({ open: async ({ sink: name }: Shard) => session(name, holds), check: async () => [] });
  const batches: readonly Batch[] = [emptyBatch(at('d'))];
  const source: Pick<Source, 'open'> = {
    open: async (from) => {
      expect(from?.position).toBe('a');
      return {
        async *batches() {
          yield* batches;
        },
        confirm: async () => {},
        finishAt: () => {},
        status: () => ({ phase: 'stream', snapshot: [], lagBytes: null }),
        [Symbol.asyncDispose]: async () => {},
      };
    },
  };
  const sinks = { behind: sink('a'), ahead: sink('b') };
  const run = new Pipeline({ name: shard.pipeline, source: source as Source, sinks, log: silentLogger }).run();
  await settle();
  expect(commits).toEqual([]);
  aheadCommits.resolve();
  await run;
  expect(commits).toEqual(['ahead d', 'behind d']);
});

test.each([true, false])('a history that is ahead in the stream takes a part of a copy behind the mirrors (which come up to it: %s)', async (comesUp) => {
  const commits: string[] = [];
  const session = (name: string, holds: string): SinkSession => ({
    mode: 'transactional',
    recover: async () => at(holds),
    write: async () => {},
    commit: async ({ position }) => void commits.push(`${name} ${position}`),
    [Symbol.asyncDispose]: async () => {},
  });
  const sink = (holds: string) => ({ open: async ({ sink: name }: Shard) => session(name, holds), check: async () => [] });
  const table = { namespace: 'public', name: 'orders', version: 1, columns: [], key: [] };
  const chunk: Batch = { ...emptyBatch(at('d')), tables: [table], chunk: { table: 0, range: null, last: true } };
  const source: Pick<Source, 'open'> = {
    open: async () => ({
      async *batches() {
        if (comesUp) yield emptyBatch(at('b'));
        yield chunk;
      },
      confirm: async () => {},
      finishAt: () => {},
      status: () => ({ phase: 'snapshot', snapshot: [], lagBytes: null }),
      [Symbol.asyncDispose]: async () => {},
    }),
  };
  const sinks = { history: sink('b'), mirror: sink('a') };
  const sinkOptions = { history: { mode: 'append' } } as const;
  await new Pipeline({ name: shard.pipeline, source: source as Source, sinks, sinkOptions, log: silentLogger }).run();
  expect(commits).toEqual([...(comesUp ? ['mirror b'] : []), 'mirror d', 'history d']);
});

async function settle(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}
