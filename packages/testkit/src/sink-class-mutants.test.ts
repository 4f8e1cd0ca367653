import { expect, test } from 'vitest';
import type { Batch, Checkpoint, FlushedSession, Json, SinkSession, StagedSession, TransactionalSession } from '@weir/sdk';
import type { ContractCase } from './contract-case.ts';
import { classACases } from './sink-class-a.ts';
import { classBCases } from './sink-class-b.ts';
import { classCCases } from './sink-class-c.ts';
import { classDCases } from './sink-class-d.ts';
import { atLeastOnce, idempotent, staged, transactional, type MemoryPlace } from './testing/memory-drivers.ts';

/** Half of a mutant: what is different about a session, given the one in memory and what outlives it. */
type Break<Session> = (session: Session, place: MemoryPlace, kept: Map<string, unknown>) => Partial<Session>;

interface Mutant<Session> {
  readonly name: string;
  readonly breaks: Break<Session>;
  /** A case that must reject it, by a part of its name. */
  readonly caughtBy: string;
}

const inA: readonly Mutant<TransactionalSession>[] = [
  {
    name: 'commits a checkpoint and loses the rows',
    breaks: (_, { target }) => ({ commit: async (checkpoint) => target.takeFence().commit([], checkpoint) }),
    caughtBy: 'answer was lost',
  },
  {
    name: 'commits with every batch',
    breaks: (session) => ({
      write: async (batch) => {
        await session.write(batch);
        if (batch.checkpoint !== null) await session.commit(batch.checkpoint);
      },
    }),
    caughtBy: 'belongs to the next one',
  },
  {
    name: 'remembers its checkpoint where the fence does not guard it',
    breaks: (session, _, kept) => ({
      commit: async (checkpoint) => {
        kept.set('checkpoint', checkpoint);
        await session.commit(checkpoint);
      },
      recover: async () => (kept.get('checkpoint') as Checkpoint | undefined) ?? (await session.recover()),
    }),
    caughtBy: 'fenced session',
  },
];

const inB: readonly Mutant<StagedSession>[] = [
  {
    name: 'applies when it stages',
    breaks: (session) => ({
      stage: async (checkpoint) => {
        const intent = await session.stage(checkpoint);
        await session.apply(intent);
        return intent;
      },
    }),
    caughtBy: 'is not there yet',
  },
  {
    name: 'keeps intents in its memory',
    breaks: (session) => {
      const own = new Set<string>();
      return {
        stage: async (checkpoint) => {
          const intent = await session.stage(checkpoint);
          own.add(JSON.stringify(intent));
          return intent;
        },
        apply: async (intent) => {
          if (own.has(JSON.stringify(intent))) await session.apply(intent);
        },
      };
    },
    caughtBy: 'never saw its batches',
  },
  {
    name: 'takes its checkpoint back with an intent that comes again',
    breaks: (session, _, kept) => ({
      stage: async (checkpoint) => {
        const intent = await session.stage(checkpoint);
        kept.set(`checkpoint of ${JSON.stringify(intent)}`, checkpoint);
        return intent;
      },
      apply: async (intent) => {
        kept.set('applied', kept.get(`checkpoint of ${JSON.stringify(intent)}`));
        await session.apply(intent);
      },
      recover: async () => (kept.get('applied') as Checkpoint | undefined) ?? (await session.recover()),
    }),
    caughtBy: 'takes nothing back',
  },
  {
    name: 'applies orphans when it is opened',
    breaks: (session, _, kept) => ({
      stage: async (checkpoint) => {
        const intent = await session.stage(checkpoint);
        kept.set('last', intent);
        return intent;
      },
      recover: async () => {
        if (kept.has('last')) await session.apply(kept.get('last') as Json);
        return await session.recover();
      },
    }),
    caughtBy: 'is an orphan',
  },
  {
    name: 'asks nobody whether it has the fence',
    breaks: (_, { target }) => ({ apply: async (intent) => target.takeFence().apply(Number(intent)) }),
    caughtBy: 'of a fenced session, applied by it',
  },
  {
    name: 'calls an apply done that stopped half way',
    breaks: (session) => ({ apply: async (intent) => await session.apply(intent).catch(() => {}) }),
    caughtBy: 'stopped half way',
  },
];

/** A batch with other versions. */
function withVersions(batch: Batch, version: (of: bigint) => bigint): Batch {
  return { ...batch, commits: batch.commits.map((commit) => ({ ...commit, version: version(commit.version) })) };
}

const inC: readonly Mutant<FlushedSession>[] = [
  {
    name: 'forgets what was deleted',
    breaks: (session, { target }) => ({
      flush: async () => {
        await session.flush();
        target.forgetTombstones();
      },
    }),
    caughtBy: 'a delete leaves a tombstone',
  },
  {
    name: 'lets the last write win',
    breaks: (session, _, kept) => ({
      write: async (batch) => {
        const arrival = Number(kept.get('arrivals') ?? 0) + 1;
        kept.set('arrivals', arrival);
        await session.write(withVersions(batch, () => BigInt(arrival)));
      },
    }),
    caughtBy: 'an older version never takes the place',
  },
  {
    name: 'takes one change of a key from a transaction: the next has the same version, and is refused as known',
    breaks: (session, _, kept) => ({
      write: async (batch) => {
        const name = `batches of ${String(batch.commits[0]?.version)}`;
        const before = Number(kept.get(name) ?? 0);
        kept.set(name, before + 1);
        await session.write(withVersions(batch, (version) => version * 1000n - BigInt(before)));
      },
    }),
    caughtBy: 'end in the last',
  },
  {
    name: 'compares versions as doubles',
    breaks: (session) => ({ write: async (batch) => await session.write(withVersions(batch, (version) => BigInt(Number(version)))) }),
    caughtBy: 'to their last digit',
  },
  {
    name: 'answers a flush that has not happened',
    breaks: () => ({ flush: async () => {} }),
    caughtBy: 'a flush was answered for',
  },
  {
    name: 'goes on when the server refuses',
    breaks: (session) => ({
      write: async (batch) => await session.write(batch).catch(() => {}),
      flush: async () => await session.flush().catch(() => {}),
    }),
    caughtBy: 'a server that refuses',
  },
  {
    name: 'takes every change of the shape as a new one',
    breaks: (session) => ({
      write: async (batch) => await session.write(batch.schemaChanges.length > 0 && batch.rows === 0 ? { ...batch, commits: [] } : batch),
    }),
    caughtBy: 'a change of the shape that comes again',
  },
  {
    name: 'empties a copied range, newer rows too',
    breaks: (session) => ({
      write: async (batch) => await session.write(batch.chunk === null ? batch : withVersions(batch, (version) => version + 100n)),
    }),
    caughtBy: 'leaves newer ones',
  },
];

const inD: readonly Mutant<FlushedSession>[] = [
  {
    name: 'answers a flush that has not happened',
    breaks: () => ({ flush: async () => {} }),
    caughtBy: 'when the flush is answered',
  },
  {
    name: 'goes on when the server refuses',
    breaks: (session) => ({
      write: async (batch) => await session.write(batch).catch(() => {}),
      flush: async () => await session.flush().catch(() => {}),
    }),
    caughtBy: 'a server that refuses',
  },
  {
    name: 'numbers events as it sends them',
    breaks: (session, _, kept) => ({
      write: async (batch) => {
        const sent = Number(kept.get('sent') ?? 0);
        kept.set('sent', sent + batch.rows);
        await session.write({ ...batch, ordinal: batch.ordinal.map((_ordinal, row) => sent + row + 1) });
      },
    }),
    caughtBy: 'under the ids that they had',
  },
  {
    name: 'numbers the events of each batch from 1',
    breaks: (session) => ({
      write: async (batch) => await session.write({ ...batch, ordinal: batch.ordinal.map((_ordinal, row) => row + 1) }),
    }),
    caughtBy: 'split over batches',
  },
  {
    name: 'remembers as sent what it was given',
    breaks: (session, _, kept) => ({
      write: async (batch) => {
        const place = batch.commits[0]?.position ?? '';
        const isKnown = kept.has(place);
        kept.set(place, true);
        if (!isKnown) await session.write(batch);
      },
    }),
    caughtBy: 'was not flushed',
  },
  {
    name: 'says NULL of what did not come',
    breaks: (session) => ({
      write: async (batch) => await session.write({ ...batch, length: batch.length.map((length) => (length === -2 ? -1 : length)) }),
    }),
    caughtBy: 'did not come is not NULL',
  },
  {
    name: 'reads a batch after it gave it back',
    breaks: (session, _, kept) => ({
      write: async (batch) => void kept.set('batches', [...((kept.get('batches') as Batch[] | undefined) ?? []), batch]),
      flush: async () => {
        for (const batch of (kept.get('batches') as Batch[] | undefined) ?? []) await session.write(batch);
        kept.delete('batches');
        await session.flush();
      },
    }),
    caughtBy: 'with the bytes that came',
  },
];

/** A driver whose sinks have sessions that are broken in one way. */
function broken<Session extends SinkSession, Driver extends { start(): Promise<MemoryPlace> }>(
  driver: Driver,
  breaks: Break<Session>,
): Driver {
  const start = async (): Promise<MemoryPlace> => {
    const place = await driver.start();
    const kept = new Map<string, unknown>();
    const sink: MemoryPlace['sink'] = (options) => {
      const whole = place.sink(options);
      const open: typeof whole.open = async (shard, signal) => {
        const session = (await whole.open(shard, signal)) as Session;
        return { ...session, ...breaks(session, place, kept) };
      };
      return { open, check: async (signal) => await whole.check(signal), scan: (table, signal) => whole.scan!(table, signal) };
    };
    return { ...place, sink };
  };
  return { ...driver, start };
}

/** The cases that reject a driver. */
async function rejecting<Driver>(cases: readonly ContractCase<Driver>[], driver: Driver): Promise<string[]> {
  const names: string[] = [];
  for (const { name, run } of cases) {
    await run(driver).catch(() => {
      names.push(name);
    });
  }
  return names;
}

function testMutants<Session extends SinkSession, Driver extends { start(): Promise<MemoryPlace>; deliveryClass: string }>(
  driver: Driver,
  cases: readonly ContractCase<NoInfer<Driver>>[],
  mutants: readonly Mutant<Session>[],
): void {
  const title = `class ${driver.deliveryClass} has no room for a sink that $name`;
  test.each(mutants)(title, async ({ breaks, caughtBy }) => {
    expect(await rejecting(cases, broken(driver, breaks))).toContainEqual(expect.stringContaining(caughtBy));
  });
  test(`class ${driver.deliveryClass} rejects nothing of a sink that is broken in no way`, async () => {
    expect(mutants.length).toBeGreaterThanOrEqual(3);
    expect(await rejecting(cases, broken(driver, () => ({})))).toEqual([]);
  });
}

testMutants(transactional, classACases, inA);
testMutants(staged, classBCases, inB);
testMutants(idempotent, classCCases, inC);
testMutants(atLeastOnce, classDCases, inD);
