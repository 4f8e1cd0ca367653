import { describe, expect, it } from 'vitest';
import { silentLogger, systemClock, type Sink } from '@weir/sdk';
import { ask, batch, checkpointAt, column, openSession, ordersTable, withOrders } from '@weir/testkit/orders';
import { duckdbSink } from './connector.ts';
import { behindItsBack } from './testing/behind-its-back.ts';
import { TemporaryDatabase, mirrorOptions } from './testing/temporary-database.ts';

const orders = ordersTable({
  columns: [column('id', { kind: 'int', bits: 64 }), column('n', { kind: 'int', bits: 32 })],
});
/** So many that DuckDB's least limit does not hold what it notes when each vector of 2,048 rows loses one. */
const ROWS = 8_000_000;
const VECTORS = Math.ceil(ROWS / 2048);

/** A sink with DuckDB's least limit, and what it logs. */
function tellingSink(path: string): { sink: Sink; told: { memory_limit?: number }[] } {
  const told: object[] = [];
  const log = { ...silentLogger, info: (fields: object): void => void told.push(fields) };
  const context = { pipeline: 'shop', name: 'warehouse', log, clock: systemClock };
  return { sink: duckdbSink.create({ path }, { ...mirrorOptions, memoryBytes: 64 * 2 ** 20 }, context), told };
}

async function withRows(database: TemporaryDatabase): Promise<void> {
  await (await withOrders(database.sink(), orders, []))[Symbol.asyncDispose]();
  await behindItsBack(database.path, `INSERT INTO public.orders SELECT i, 0 FROM range(${ROWS}) AS r(i)`);
}

/** Keys that lie far from each other, of another row of their vectors each time. */
function keys(commit: number, count: number): number[] {
  const step = Math.floor(ROWS / count);
  return Array.from({ length: count }, (_, index) => index * step + commit);
}

async function update(sink: Sink, commits: readonly { number: number; rows: number }[]): Promise<void> {
  await using session = await openSession(sink);
  await session.recover();
  for (const { number, rows } of commits) {
    await session.write(
      batch(number, (builder) => {
        for (const id of keys(number, rows)) builder.update(orders, { id, n: number });
      }),
    );
    await session.commit(checkpointAt(number));
  }
}

const summary = 'SELECT count(*), count(DISTINCT id), count(*) FILTER (WHERE n > 0) FROM public.orders';

describe('changes of keys all over a large table, in DuckDB’s least memory (invariant 8)', { timeout: 60_000 }, () => {
  it('go on: what deletes hold is freed before it is too much', async () => {
    await using database = await TemporaryDatabase.make();
    await withRows(database);
    const { sink, told } = tellingSink(database.path);
    await update(
      sink,
      [2, 3, 4, 5, 6].map((number) => ({ number, rows: 1500 })),
    );
    expect(await ask(sink, summary)).toEqual([[String(ROWS), String(ROWS), String(5 * 1500)]]);
    expect(told).toEqual([]);
  });

  it('raise the limit when one commit alone needs more, which is told once', async () => {
    await using database = await TemporaryDatabase.make();
    await withRows(database);
    const { sink, told } = tellingSink(database.path);
    await update(
      sink,
      [2, 3].map((number) => ({ number, rows: VECTORS })),
    );
    expect(await ask(sink, summary)).toEqual([[String(ROWS), String(ROWS), String(2 * VECTORS)]]);
    expect(told).toHaveLength(1);
    expect(told[0]!.memory_limit).toBeGreaterThan(64 * 2 ** 20);
  });

  it('raise it as well when they empty the table', async () => {
    await using database = await TemporaryDatabase.make();
    await withRows(database);
    const { sink, told } = tellingSink(database.path);
    await using session = await openSession(sink);
    await session.recover();
    await session.write(batch(2, (rows) => rows.truncate(orders).insert(orders, { id: 1, n: 1 })));
    await session.commit(checkpointAt(2));
    expect(await ask(sink, summary)).toEqual([['1', '1', '1']]);
    expect(told).toHaveLength(1);
  });
});
