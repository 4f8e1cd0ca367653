import { describe, expect, test } from 'vitest';
import { filterRows, type Transform } from '@weir/sdk';
import { boundaryOf } from '@weir/testkit';
import { imbalance, zeroCounters } from './row-counters.ts';
import type { RowCounters } from './status.ts';
import { World, customers, fault, insert, update, type WorldProcess } from './world.fake.ts';

function rowsOf({ pipeline }: WorldProcess, sink = 'warehouse'): Readonly<RowCounters> {
  return pipeline.status().sinks[sink]!.rows;
}

function worldWith(transactions: number): World {
  const world = new World();
  for (let number = 1; number <= transactions; number++) world.log.commit([insert(number), insert(number, 'a', customers)]);
  return world;
}

/** Keeps the rows of one table. */
const ordersOnly: Transform = {
  name: 'orders-only',
  apply: (batch) => {
    const kept = filterRows(batch, (row) => batch.tables[batch.table[row]!]!.name === 'orders');
    return { batch: kept, rejected: [], filtered: batch.rows - kept.rows, made: 0 };
  },
};

describe('every row is accounted for (invariant 7)', () => {
  test('what is delivered and what a transform left out', async () => {
    const process = await worldWith(5).deliverAll({ transforms: [ordersOnly] });
    expect(rowsOf(process)).toEqual({ ...zeroCounters(), in: 10, delivered: 5, filtered: 5 });
    expect(process.source.ledger).toMatchObject({ released: 5, releasedAgain: 0 });
  });

  test('what transforms made', async () => {
    // Each row is replaced by one that the transform made.
    const replacing: Transform = {
      name: 'replacing',
      apply: (batch) => ({ batch, rejected: [], filtered: batch.rows, made: batch.rows }),
    };
    const process = await worldWith(5).deliverAll({ transforms: [replacing, ordersOnly] });
    expect(rowsOf(process)).toMatchObject({ in: 10, made: 10, filtered: 15, delivered: 5 });
    expect(imbalance(rowsOf(process))).toBe(0);
  });

  test('what the source left out since a copy holds it', async () => {
    const world = worldWith(3);
    let pulls = 0;
    const onPull = (): void => {
      if (++pulls === 1) world.log.commit([update(1, 'while the copy begins'), update(2, 'as well')]);
    };
    const process = world.process({ copies: true, onPull });
    process.pipeline.finishAt('00000004.0');
    await world.clock.outcome(process.pipeline.run());
    expect(rowsOf(process)).toMatchObject({ in: 8, skipped: 2, delivered: 6 });
    expect(world.target().content).toEqual(world.log.content());
  });

  test('what a failed attempt had not committed: abandoned, and read again', async () => {
    const faults = [fault('warehouse.write', 3, 'reject'), fault('warehouse.write', 2, 'slow', 1)];
    const process = await worldWith(5).deliverAll({ faults });
    const rows = rowsOf(process);
    expect(rows.delivered).toBe(10);
    expect(rows.abandoned).toBeGreaterThan(0);
    expect(rows.in).toBe(10 + rows.abandoned);
    expect(imbalance(rows)).toBe(0);
  });

  test('what a commit without an answer had made durable is abandoned, and not delivered again', async () => {
    const process = await worldWith(1).deliverAll({ faults: [fault('warehouse.commit', 1, 'lose answer')] });
    expect(rowsOf(process)).toMatchObject({ in: 2, delivered: 0, abandoned: 2 });
  });

  test('at every moment of a run with failures', async () => {
    const world = worldWith(12);
    const faults = ['open', 'write', 'commit'].flatMap((operation) => [
      fault(`warehouse.${operation}`, 2, 'reject'),
      fault(`warehouse.${operation}`, 4, 'lose answer'),
      fault(`warehouse.${operation}`, 7, 'reject'),
    ]);
    let looks = 0;
    const onPull = (): void => {
      expect(imbalance(rowsOf(process))).toBe(0);
      looks++;
    };
    const process = world.process({ faults, copies: true, onPull, transforms: [ordersOnly] });
    process.pipeline.finishAt(await process.source.head());
    await world.clock.outcome(process.pipeline.run());
    expect(looks).toBeGreaterThan(12);
    expect(imbalance(rowsOf(process))).toBe(0);
    expect(rowsOf(process).inFlight).toBe(0);
  });
});

describe('a transform whose numbers are wrong', () => {
  const losing: Transform = {
    name: 'losing',
    apply: (batch) => ({ batch: filterRows(batch, (row) => row > 0), rejected: [], filtered: 0, made: 0 }),
  };

  test('ends the run with WEIR_COUNTERS before anything of it is committed, and is not tried again', async () => {
    const world = worldWith(3);
    const { pipeline, source, script } = world.process({ transforms: [losing] });
    pipeline.finishAt(await source.head());
    const error: unknown = await world.clock.outcome(pipeline.run().catch((thrown: unknown) => thrown));
    expect(error).toMatchObject({ code: 'WEIR_COUNTERS' });
    expect(String(error)).toMatch(/[123] rows of sink warehouse are unaccounted for/);
    expect(pipeline.status()).toMatchObject({ state: 'failed', failure: { code: 'WEIR_COUNTERS' } });
    expect(world.target()).toMatchObject({ checkpoint: null, content: {} });
    expect([world.log.forgotten, script.count('source.open')]).toEqual([0, 1]);
  });

  test('is found out when nothing is committed too: at the end of the attempt', async () => {
    const world = worldWith(1);
    const { pipeline, source } = world.process({ transforms: [losing], faults: [fault('warehouse.write', 1, 'reject')] });
    pipeline.finishAt(await source.head());
    await expect(world.clock.outcome(pipeline.run())).rejects.toMatchObject({ code: 'WEIR_COUNTERS' });
    expect(pipeline.status()).toMatchObject({ state: 'failed', failure: { code: 'WEIR_COUNTERS' } });
  });

  test('a rejected row ends the run, with the code of the transform and without its values', async () => {
    const world = worldWith(1);
    const rejecting: Transform = {
      name: 'picky',
      apply: (batch) => {
        const rejected = [{ row: 0, code: 'BAD', message: 'column label is empty' }];
        return { batch, rejected, filtered: 0, made: 0 };
      },
    };
    const { pipeline } = world.process({ transforms: [rejecting] });
    await expect(world.clock.outcome(pipeline.run())).rejects.toMatchObject({
      code: 'WEIR_TRANSFORM_REJECTED',
      message: 'transform picky rejected a row: column label is empty',
    });
    expect(world.target().content).toEqual({});
  });
});

describe('an answer that comes when the attempt is over', () => {
  test.each(['write', 'commit'])('of a %s changes no counter, no checkpoint and no batch', async (operation) => {
    const world = new World({ warehouse: 'transactional', other: 'transactional' });
    for (let number = 1; number <= 6; number++) world.log.commit([insert(number)]);
    const faults = [
      fault(`warehouse.${operation}`, 1, 'hold answer'),
      fault('other.write', 1, 'slow', 100),
      fault('other.write', 2, 'reject'),
    ];
    const { pipeline, source, script } = world.process({ faults });
    pipeline.finishAt(await source.head());
    await world.clock.outcome(pipeline.run());
    expect(script.held).toEqual([`warehouse.${operation}`]);
    const before = pipeline.status();
    const { checkpoint } = world.target();
    script.letGo();
    await world.clock.settle();
    expect(pipeline.status()).toEqual(before);
    expect(imbalance(before.sinks['warehouse']!.rows)).toBe(0);
    expect(world.target()).toMatchObject({ checkpoint, content: world.log.content() });
    expect(source.ledger.releasedAgain).toBe(0);
    expect(world.log.forgotten).toBe(6);
  });

  const stored = ['staged', 'idempotent'] as const;
  test.each(stored)('of a sink that is %s puts no old checkpoint into the store (invariant 4)', async (mode) => {
    const world = new World({ warehouse: mode, other: 'transactional' });
    for (let number = 1; number <= 6; number++) world.log.commit([insert(number)]);
    const faults = [
      fault(`warehouse.${mode === 'staged' ? 'stage' : 'flush'}`, 1, 'hold answer'),
      fault('other.write', 1, 'slow', 100),
      fault('other.write', 2, 'reject'),
    ];
    const { pipeline, source, script } = world.process({ faults });
    const run = pipeline.run();
    await world.clock.advance(1000);
    world.log.commit([insert(7)]);
    pipeline.finishAt(await source.head());
    await world.clock.outcome(run);
    const shard = { pipeline: 'shop', sink: 'warehouse', shard: 0 };
    const newest = await world.store.loadCheckpoint(shard);
    expect(newest?.checkpoint.position).toBe(boundaryOf(7));
    script.letGo();
    await world.clock.settle();
    expect(await world.store.loadCheckpoint(shard)).toEqual(newest);
    await world.deliverAll();
    expect(world.target().content).toEqual(world.log.content());
  });
});
