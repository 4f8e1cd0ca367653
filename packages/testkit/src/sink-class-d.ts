import { expect } from 'vitest';
import { tableName, unchanged, type Batch, type BatchBuilder, type FlushedSession, type Table } from '@weir/sdk';
import type { ContractCase } from './contract-case.ts';
import { failure } from './reading.ts';
import { seeBatch, type SeenRow } from './seen-batch.ts';
import { linesTable, ordersTable } from './sink-contract-tables.ts';
import { contractShard, type AtLeastOnceDriver, type ReceivedEvent, type ReceivingEnvironment } from './sink-driver.ts';
import { Feed } from './sink-harness.ts';
import { spoiled } from './spoiled-batch.ts';

const orders = ordersTable();
const lines = linesTable();
const opNames = ['', 'insert', 'update', 'delete', 'read', 'truncate'];

/** A transaction as it is given; a replay gives it again. */
type Transaction = (rows: BatchBuilder) => BatchBuilder;
const first: Transaction = (rows) =>
  rows
    .insert(orders, { id: 1, note: "it's \"ä\" ✓", amount: '10.00', paid: true })
    .insert(orders, { id: 2, note: '', amount: null, paid: false })
    .insert(lines, { Quantity: 1, line: 'a', order: 1, rowid: null, details: '{"n": 1.0}' });
const second: Transaction = (rows) =>
  rows
    .update(orders, { id: 1, note: unchanged, amount: '9007199254740993.01', paid: null })
    .update(orders, { id: 3, note: 'moved', amount: null, paid: null }, { id: 2, note: unchanged, amount: unchanged, paid: unchanged })
    .delete(orders, { id: 1, note: unchanged, amount: unchanged, paid: unchanged });
const third: Transaction = (rows) => rows.truncate(lines).read(orders, { id: 4, note: 'copied', amount: '4.00', paid: true });

/** A place that events are sent to, and what was sent, so what has to arrive. */
class Sending implements AsyncDisposable {
  readonly environment: ReceivingEnvironment;
  #feed = new Feed();
  #session!: FlushedSession;
  readonly #sent: SeenRow[] = [];

  private constructor(environment: ReceivingEnvironment) {
    this.environment = environment;
  }

  static async start(driver: AtLeastOnceDriver): Promise<Sending> {
    const sending = new Sending(await driver.start());
    await sending.restart();
    return sending;
  }

  /** The session ends, with what it has not flushed; the next one is of a new sink object. */
  async restart(): Promise<void> {
    await this.#session?.[Symbol.asyncDispose]();
    const session = await this.environment.sink().open(contractShard, new AbortController().signal);
    if (session.mode !== 'at-least-once') throw new Error(`a sink of class D has sessions at-least-once, not ${session.mode}`);
    this.#session = session;
  }

  /** What comes next is given from the first transaction on, as after a start from nothing. */
  replay(): void {
    this.#feed = new Feed();
  }

  async write(transaction: Transaction): Promise<void> {
    const batch = transaction(this.#feed.begin()).build(this.#feed.checkpoint());
    await this.#write(batch);
  }

  /** The rows of a transaction one by one, each in a batch of its own. */
  async writeSplit(ids: readonly number[]): Promise<void> {
    const rows = this.#feed.begin();
    for (const id of ids) {
      rows.insert(orders, { id, note: `row ${id}`, amount: null, paid: null });
      await this.#write(rows.build(null));
    }
    await this.#write(rows.build(this.#feed.checkpoint()));
  }

  async flush(): Promise<void> {
    await this.#session.flush();
  }

  /** Every event that was sent has arrived, with an id of its own; doubles of an id are the same event. */
  async expectArrived(): Promise<readonly ReceivedEvent[]> {
    const received = await this.environment.received();
    const byId = new Map<string, ReceivedEvent>();
    for (const event of received) {
      const known = byId.get(event.id);
      if (known !== undefined) expect(event, `id ${event.id} is of one event`).toEqual(known);
      else byId.set(event.id, event);
    }
    // In order of their first arrival, table by table: a reader that drops doubles sees each table's events in order.
    for (const table of [orders, lines]) {
      const name = tableName(table);
      const events = Array.from(byId.values()).filter((event) => event.table === name);
      expect(events.map(({ op, cells }) => ({ op, cells }))).toEqual(this.#expected(table));
    }
    return received;
  }

  #expected(table: Table): Pick<ReceivedEvent, 'op' | 'cells'>[] {
    const places = new Set<string>();
    return this.#sent.flatMap((row) => {
      const place = `${row.position} ${row.ordinal}`;
      if (row.table !== tableName(table) || places.has(place)) return [];
      places.add(place);
      const image = row.after ?? row.before ?? [];
      const cells = image.flatMap((cell, column) => {
        return cell === unchanged ? [] : [[table.columns[column]!.name, utf8(cell)] as const];
      });
      return [{ op: opNames[row.op] as ReceivedEvent['op'], cells: Object.fromEntries(cells) }];
    });
  }

  async #write(batch: Batch): Promise<void> {
    this.#sent.push(...seeBatch(batch).rows);
    await this.#session.write(batch);
    spoiled(batch).release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
    await this.environment[Symbol.asyncDispose]();
  }
}

/** A seen cell's bytes as text. */
function utf8(cell: string | null): string | null {
  return cell === null ? null : Buffer.from(cell, 'latin1').toString();
}

/** Class D: every event at least once; who reads tells doubles by their ids. */
export const classDCases: readonly ContractCase<AtLeastOnceDriver>[] = [
  {
    name: 'events arrive in order, with the bytes that came; what did not come is not NULL (invariant 9)',
    run: async (driver) => {
      await using sending = await Sending.start(driver);
      for (const transaction of [first, second, third]) await sending.write(transaction);
      await sending.flush();
      expect(await sending.expectArrived()).toHaveLength(8);
    },
  },
  {
    name: 'everything written has arrived when the flush is answered: the source is told then (invariant 1)',
    run: async (driver) => {
      await using sending = await Sending.start(driver);
      for (const transaction of [first, second, third]) {
        await sending.write(transaction);
        await sending.flush();
        await sending.expectArrived();
      }
      await sending.flush();
      await sending.expectArrived();
    },
  },
  {
    name: 'rows of a transaction that is split over batches are events of their own (invariant 2)',
    run: async (driver) => {
      await using sending = await Sending.start(driver);
      await sending.writeSplit([1, 2, 3, 4, 5]);
      await sending.flush();
      expect(await sending.expectArrived()).toHaveLength(5);
    },
  },
  {
    name: 'a replay may bring events twice, under the ids that they had (invariant 7)',
    run: async (driver) => {
      await using sending = await Sending.start(driver);
      for (const transaction of [first, second]) await sending.write(transaction);
      await sending.flush();
      const ids = new Set((await sending.environment.received()).map(({ id }) => id));
      await sending.restart();
      sending.replay();
      for (const transaction of [first, second]) await sending.write(transaction);
      await sending.flush();
      expect(new Set((await sending.expectArrived()).map(({ id }) => id))).toEqual(ids);
    },
  },
  {
    name: 'what was not flushed when a session ended comes with the replay (invariant 7)',
    run: async (driver) => {
      await using sending = await Sending.start(driver);
      await sending.write(first);
      await sending.flush();
      await sending.write(second);
      await sending.restart();
      sending.replay();
      for (const transaction of [first, second, third]) await sending.write(transaction);
      await sending.flush();
      await sending.expectArrived();
    },
  },
  {
    name: 'a server that refuses lets write or flush fail; nothing is called flushed that has not arrived (invariants 1 and 7)',
    run: async (driver) => {
      await using sending = await Sending.start(driver);
      await sending.write(first);
      await sending.flush();
      await sending.environment.refuseAll(true);
      const error = await failure(sending.write(second).then(() => sending.flush()));
      expect(error.policy.policy, 'it is tried again').toBe('retry');
      await sending.environment.refuseAll(false);
      await sending.restart();
      sending.replay();
      for (const transaction of [first, second, third]) await sending.write(transaction);
      await sending.flush();
      await sending.expectArrived();
    },
  },
];
