import { BatchBuilder, type Checkpoint, type Table } from '@weir/sdk';
import { MemorySink, MemoryTarget } from '@weir/testkit/memory';
import { expect, test } from 'vitest';
import { Database } from './database.ts';
import { checkContent } from './oracle.ts';
import { firstTables } from './sim-tables.ts';
import { types } from './sim-types.ts';
import type { Statement } from './statement.ts';
import { boundaryPosition, tableOf, unreadChunks, type ChunkState } from '@weir/source-postgres/parts';

const orders = firstTables()[0]!;
const table: Table = tableOf({ namespace: 'public', name: 'orders' }, orders.shape, types, 1);

/** A database, and a sink that holds whatever it is given. */
class Setting {
  readonly database = new Database();
  readonly target = new MemoryTarget();

  commit(...statements: readonly Statement[]): void {
    const transaction = this.database.begin();
    for (const statement of statements) this.database.run(transaction, statement);
    this.database.commit(transaction, true);
  }

  put(key: string): void {
    this.commit({ does: 'put', table: 'orders', key, keepsLarge: false });
  }

  /** The sink has these rows at the end of the log. */
  async holds(...rows: readonly (readonly [id: number, value: string])[]): Promise<void> {
    const shard = { pipeline: 'shop', sink: 'warehouse', shard: 0 };
    const session = await new MemorySink(this.target).open(shard, new AbortController().signal);
    const builder = new BatchBuilder().begin({ position: 'a', version: 1n, time: 0, transactionId: '' });
    for (const [id, value] of rows) builder.insert(table, { id, label: value, large: `large ${value}` });
    await session.write(builder.build(null));
    if (session.mode === 'transactional') await session.commit(this.at(this.database.end));
  }

  at(lsn: number, chunks: ChunkState = { ...unreadChunks, done: true }): Checkpoint {
    const columns = orders.shape.columns.map((each) => [each.attnum, each.name, each.typeOid, -1, 0, each.sourceType, '3']);
    const shape = { ...orders.shape, columns };
    const state = { v: 2, system: '1', tables: [{ namespace: 'public', name: 'orders', oid: orders.oid, shape, chunks }] };
    return { position: boundaryPosition(0, BigInt(lsn)), state: state as never };
  }

  check(checkpoint = this.at(this.database.end), mayKeepUnread = false): void {
    checkContent(this.database, (of) => this.target.rows(of), checkpoint, { name: 'warehouse', mayKeepUnread });
  }
}

test('a sink that has what the server had at its checkpoint holds', async () => {
  const setting = new Setting();
  setting.put('1');
  setting.put('2');
  await setting.holds([1, 'v1'], [2, 'v2']);
  expect(() => setting.check()).not.toThrow();
});

test('a row that is missing, and one of before, are behind the checkpoint (invariant 4)', async () => {
  const setting = new Setting();
  setting.put('1');
  await setting.holds();
  expect(() => setting.check()).toThrow('the checkpoint is ahead of the sink: warehouse');
  const other = new Setting();
  other.put('1');
  other.put('1');
  await other.holds([1, 'v1']);
  expect(() => other.check()).toThrow('key 1 of orders is "1 v1 large v1", not "1 v2 large v2"');
});

test('half of a transaction, and what comes later, is not of the checkpoint (invariant 3)', async () => {
  const setting = new Setting();
  setting.put('1');
  const before = setting.database.end;
  setting.put('2');
  await setting.holds([1, 'v1'], [2, 'v2']);
  expect(() => setting.check(setting.at(before))).toThrow('the sink shows what is not of its checkpoint');
});

test('what a copy has not read yet is not there, unless another sink had it begin again', async () => {
  const setting = new Setting();
  setting.put('1');
  setting.put('9');
  await setting.holds([1, 'v1'], [9, 'v2']);
  const halfway = setting.at(setting.database.end, { ...unreadChunks, upTo: ['4'] });
  expect(() => setting.check(halfway)).toThrow('key 9 of orders');
  expect(() => setting.check(halfway, true)).not.toThrow();
});
