import { describe, expect, test } from 'vitest';
import { BatchBuilder, type Batch } from '@weir/sdk';
import { ByteBudget } from './byte-budget.ts';
import { LaneRecord } from './lane-record.ts';
import { SharedBatch, heldBytes } from './shared-batch.ts';
import { customers, orders, row } from './world.fake.ts';

/** Rows with these keys, of a transaction that committed at `time` ms. */
function batchOf(keys: readonly number[], time = 0): Batch {
  const builder = new BatchBuilder().begin({ position: '1', version: 1n, time: time * 1000, transactionId: '1' });
  for (const key of keys) builder.insert(orders, row(key, 'a'));
  return builder.build(null);
}

/** A batch as it comes out of the transforms, of which `source` went in. */
function shared(batch: Batch, { source = batch, made = 0, filtered = 0 } = {}): SharedBatch {
  return new SharedBatch(batch, { source, made, filtered }, new ByteBudget(1 << 30), 1);
}

/** A record that has taken over batches, and written them if it is said. */
function recordOf(...batches: readonly Batch[]): LaneRecord {
  const record = new LaneRecord();
  for (const batch of batches) record.received(shared(batch));
  return record;
}

describe('every row is somewhere (invariant 7)', () => {
  test('from the queue to the commit', () => {
    const record = recordOf(batchOf([1, 2]));
    expect(record.rows).toMatchObject({ in: 2, inFlight: 2, delivered: 0 });
    record.wrote(batchOf([1, 2]));
    expect(record.rows, 'a write is no commit').toMatchObject({ inFlight: 2, delivered: 0 });
    record.committed('9', 0, 0);
    expect(record.rows).toMatchObject({ in: 2, inFlight: 0, delivered: 2 });
    expect(record.checkpoint).toBe('9');
    expect(() => record.checkBalance('warehouse')).not.toThrow();
  });

  test('what the source skipped came in and was skipped', () => {
    const record = recordOf({ ...batchOf([1]), skipped: 3 });
    expect(record.rows).toMatchObject({ in: 4, skipped: 3, inFlight: 1 });
    expect(() => record.checkBalance('warehouse')).not.toThrow();
  });

  test('what transforms made and filtered', () => {
    const record = new LaneRecord();
    record.received(shared(batchOf([1, 2, 3, 4]), { source: batchOf([1, 2, 3]), made: 3, filtered: 2 }));
    expect(record.rows).toMatchObject({ in: 3, made: 3, filtered: 2, inFlight: 4 });
    expect(() => record.checkBalance('warehouse')).not.toThrow();
  });

  test('what is replayed, is the same at the sink, or belongs to a stopped table', () => {
    const record = recordOf(batchOf([1, 2, 3, 4, 5, 6]));
    record.replayed(3);
    record.filtered(2);
    record.compared('public.orders', 1, true);
    expect(record.rows).toMatchObject({ in: 6, replayed: 3, filtered: 2, same: 1, inFlight: 0 });
    expect(() => record.checkBalance('warehouse')).not.toThrow();
  });

  test('what an attempt did not commit is abandoned, and written rows of it are counted no more', () => {
    const record = recordOf(batchOf([1]), batchOf([2]));
    record.wrote(batchOf([1]));
    record.abandoned();
    expect(record.rows).toMatchObject({ in: 2, abandoned: 2, inFlight: 0, delivered: 0 });
    record.received(shared(batchOf([1])));
    record.wrote(batchOf([1]));
    record.committed('9', 0, 0);
    expect(record.rows).toMatchObject({ in: 3, abandoned: 2, delivered: 1, inFlight: 0 });
    expect(() => record.checkBalance('warehouse')).not.toThrow();
  });

  test('a row that is nowhere is an error that says how many, of which sink', () => {
    const record = new LaneRecord();
    record.received(shared(batchOf([1]), { source: batchOf([1, 2, 3]) }));
    expect(() => record.checkBalance('warehouse')).toThrow(
      expect.objectContaining({ code: 'WEIR_COUNTERS', message: expect.stringMatching(/^2 rows of sink warehouse .*"in":3/) as string }),
    );
  });
});

describe('the status of a sink', () => {
  test('has the bytes that wait for it, until they are taken or given up', () => {
    const [one, two] = [batchOf([1]), batchOf([2, 3])];
    const record = recordOf(one, two);
    expect(record.status(0, true).queueBytes).toBe(heldBytes(one) + heldBytes(two));
    record.taken(heldBytes(one));
    expect(record.status(0, true).queueBytes).toBe(heldBytes(two));
    record.abandoned();
    expect(record.status(0, true).queueBytes).toBe(0);
  });

  test('has the commits, how long the last one took, and what it brought, by table', () => {
    const record = new LaneRecord();
    const both = new BatchBuilder().begin({ position: '1', version: 1n, time: 0, transactionId: '1' });
    const batch = both.insert(orders, row(1, 'a')).insert(customers, row(1, 'a')).build(null);
    for (const [at, took] of [[100, 7], [200, 5]] as const) {
      record.wrote(batch);
      record.committed(`at ${at}`, at, took);
    }
    expect(record.commits).toBe(2);
    expect(record.status(300, true)).toMatchObject({
      checkpoint: 'at 200',
      committedAt: 200,
      commits: 2,
      commitMs: 5,
      rowsByTable: { 'public.orders': 2, 'public.customers': 2 },
      events: { 'public.orders': { insert: 2 }, 'public.customers': { insert: 2 } },
    });
  });

  test('is a copy: what comes later does not change it', () => {
    const record = recordOf(batchOf([1]));
    const { rows, events } = record.status(0, true);
    record.wrote(batchOf([1]));
    record.committed('1', 0, 0);
    expect([rows.delivered, events]).toEqual([0, {}]);
  });

  test('counts what a repair compared, by table, and begins anew with the next one', () => {
    const record = recordOf(batchOf([1, 2, 3, 4, 5, 6]));
    record.compared('public.orders', 2, true);
    record.compared('public.orders', 3, false);
    record.compared('public.orders', 1, false);
    record.compared('public.customers', 1, true);
    const customersTally = { ranges: 1, different: 0, rows: 0 };
    expect(record.status(0, true).repairs).toEqual({
      'public.orders': { ranges: 3, different: 2, rows: 4 },
      'public.customers': customersTally,
    });
    expect(record.rows, 'what differs is written, and on its way').toMatchObject({ same: 3, inFlight: 3 });
    record.startRepair(['public.orders']);
    expect(record.status(0, true).repairs).toEqual({ 'public.customers': customersTally });
  });
});

test('stopped tables are told with why, and a commit makes their marks durable', () => {
  const record = new LaneRecord();
  const reason = { code: 'WEIR_SINK_TYPE', message: 'no such type' } as const;
  record.stops.failed('public.orders', orders, { error: new Error('x'), reason, at: '1', isCopied: false });
  record.stops.marked('public.orders', reason);
  expect(record.status(0, true).stoppedTables).toEqual([{ table: 'public.orders', ...reason }]);
  record.committed('2', 0, 0);
  expect(record.stops.unmarked).toEqual([]);
});

describe('the lag', () => {
  const lag = (record: LaneRecord, now: number): number | null => record.status(now, true).lagMs;

  test('is that of the last commit, from the commit at the source to the one here, while the stream is busy', () => {
    const record = recordOf(batchOf([1], 1000));
    record.wrote(batchOf([1], 1000));
    record.committed('1', 1040, 3);
    expect([lag(record, 1040), lag(record, 3040)]).toEqual([40, 40]);
    expect(lag(record, 3041), 'nothing has come for over two seconds').toBe(0);
  });

  test('grows while written rows wait for their commit', () => {
    const record = recordOf(batchOf([1], 1000));
    expect(lag(record, 1500), 'nothing is written yet').toBe(0);
    record.wrote(batchOf([1], 1000));
    expect([lag(record, 1500), lag(record, 9000)]).toEqual([500, 8000]);
    record.abandoned();
    expect(lag(record, 9000)).toBe(0);
  });

  test('is never negative, though the clock of the source is ahead', () => {
    const record = recordOf(batchOf([1], 5000));
    record.wrote(batchOf([1], 5000));
    expect(lag(record, 4000)).toBe(0);
    record.committed('1', 4000, 0);
    expect(lag(record, 4000)).toBe(0);
  });

  test('is not told during a snapshot, whose rows have none', () => {
    const record = recordOf(batchOf([1], 1000));
    expect(record.status(1500, false).lagMs).toBeNull();
    record.wrote({ ...batchOf([1], 1000), chunk: { table: 0, range: null, last: true } });
    record.committed('1', 9000, 0);
    expect(lag(record, 9000)).toBe(0);
  });
});
