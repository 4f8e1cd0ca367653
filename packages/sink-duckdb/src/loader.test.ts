import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { batch, ordersTable } from '@weir/testkit/orders';
import { SlabCopy } from './cells.ts';
import { columnEncoder } from './column-encoders.ts';
import { Loader } from './loader.ts';
import { Slots } from './slots.ts';
import { columnType } from './types.ts';

const orders = ordersTable();
const slots = new Slots();

async function loaderWithRows(connection: DuckDBConnection, rows: number): Promise<Loader> {
  const target = { database: 'memory', schema: 'main', table: 'orders' };
  const columns = orders.columns.map(({ name, type }, index) => {
    const column = { index, name, type: columnType(type, 'varchar')!, table: 'public.orders' };
    return { encoder: columnEncoder(column, slots), part: 0 };
  });
  const loader = await Loader.open(connection, target, columns, slots);
  const written = batch(1, (builder) => {
    for (let id = 0; id < rows; id++) builder.insert(orders, { id, note: `a note of some length, ${id}`, amount: '1.00' });
  });
  const parts = [{ cells: new SlabCopy().cells(written, false), images: written.after }];
  loader.append({ count: rows, parts, extra: [] });
  return loader;
}

async function withTable(test: (connection: DuckDBConnection) => Promise<void>): Promise<void> {
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  await connection.run('CREATE TABLE orders (id BIGINT, note VARCHAR, amount DECIMAL(12,2))');
  await test(connection);
  connection.closeSync();
  instance.closeSync();
}

async function count(connection: DuckDBConnection): Promise<unknown> {
  const result = await connection.run("SELECT count(*) FROM orders WHERE note = 'a note of some length, ' || id");
  return (await result.getRows())[0]![0];
}

async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let round = 0; round < 10; round++) {
    collect();
    await new Promise((resume) => setTimeout(resume, 10));
  }
}

/** Rows that a loader held when its transaction was rolled back and it was collected. */
async function rowsThatComeBack(connection: DuckDBConnection, giveUp: (loader: Loader) => void): Promise<unknown> {
  await connection.run('BEGIN TRANSACTION');
  giveUp(await loaderWithRows(connection, 10));
  await connection.run('ROLLBACK');
  await collectGarbage();
  return count(connection);
}

describe('a loader', () => {
  it('writes rows when it is flushed, and counts what waits', () =>
    withTable(async (connection) => {
      const loader = await loaderWithRows(connection, 5000);
      expect(loader.pendingRows).toBe(5000);
      expect(loader.pendingBytes).toBe(5000 * (8 + 16 + 8));
      loader.flush();
      expect(loader.pendingRows).toBe(0);
      expect(loader.pendingBytes).toBe(0);
      expect(await count(connection)).toBe(5000n);
      loader.close();
    }));

  it('that is discarded or closed has written nothing, nor does it later (invariant 3)', () =>
    withTable(async (connection) => {
      expect(await rowsThatComeBack(connection, (loader) => loader.discard())).toBe(0n);
      expect(await rowsThatComeBack(connection, (loader) => loader.close())).toBe(0n);
    }));

  it('must not just be dropped: what it held is then written when it is collected, transaction or not', () =>
    withTable(async (connection) => {
      expect(await rowsThatComeBack(connection, () => {})).toBe(10n);
    }));
});
