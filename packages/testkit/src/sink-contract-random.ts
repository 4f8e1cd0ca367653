import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BatchBuilder,
  historyTable,
  packVersion,
  unchanged,
  type CellValue,
  type Checkpoint,
  type RowValues,
  type SinkOptions,
  type Table,
} from '@weir/sdk';
import type { DrivenSession } from './driven-session.ts';
import { foldHistory } from './fold-history.ts';
import { testSeed } from './seed.ts';
import { linesTable, ordersTable, withMark } from './sink-contract-tables.ts';
import { keepsCheckpoint, type SinkDriver } from './sink-driver.ts';
import { SinkHarness } from './sink-harness.ts';
import { cellsOf } from './table-content.ts';

const RUNS = 25;
const KEYS = 6;
/** Of the first transaction, in µs since 1970. */
const COMMIT_TIME = 1_700_000_000_000_000;

/** One event as drawn. What it does depends on which keys are there: an insert of one that is there becomes an update. */
interface Event {
  readonly table: 0 | 1;
  readonly kind: 'insert' | 'update' | 'delete' | 'move' | 'truncate';
  readonly key: number;
  readonly to: number;
  readonly cells: number;
  /** Cells that an update leaves unchanged, a bit per column. */
  readonly unchanged: number;
  /** Whether an old image is whole, and whether an update has one at all. */
  readonly image: 'none' | 'key' | 'whole';
  /** A batch ends after this event. */
  readonly ends: boolean;
}

interface Transaction {
  readonly events: readonly Event[];
  /** What follows: nothing (the next transaction is in the same commit), a commit, or a crash in or around it. */
  readonly end: 'more' | 'commit' | 'crash in the middle' | 'crash' | 'commit and crash';
}

const event: fc.Arbitrary<Event> = fc.record({
  table: fc.constantFrom(0, 1),
  kind: fc.oneof(
    { weight: 6, arbitrary: fc.constant('insert' as const) },
    { weight: 6, arbitrary: fc.constant('update' as const) },
    { weight: 3, arbitrary: fc.constant('delete' as const) },
    { weight: 3, arbitrary: fc.constant('move' as const) },
    { weight: 1, arbitrary: fc.constant('truncate' as const) },
  ),
  key: fc.nat(KEYS - 1),
  to: fc.nat(KEYS - 1),
  cells: fc.nat(1000),
  unchanged: fc.nat(31),
  image: fc.constantFrom('none', 'key', 'whole'),
  ends: fc.boolean(),
});

const drawnTransactions: fc.Arbitrary<readonly Transaction[]> = fc.array(
  fc.record({
    events: fc.array(event, { maxLength: 12 }),
    end: fc.oneof(
      { weight: 3, arbitrary: fc.constant('more' as const) },
      { weight: 4, arbitrary: fc.constant('commit' as const) },
      { weight: 1, arbitrary: fc.constant('crash in the middle' as const) },
      { weight: 1, arbitrary: fc.constant('crash' as const) },
      { weight: 1, arbitrary: fc.constant('commit and crash' as const) },
    ),
  }),
  { minLength: 1, maxLength: 12 },
);

export function describeRandom(driver: SinkDriver): void {
  describe('random transactions', () => {
    const ways: Record<string, Partial<SinkOptions>> = {
      'with hard deletes': { deletes: 'hard' },
      'with soft deletes': { deletes: 'soft' },
      'that their history folds to': { mode: 'append' },
    };
    it.each(Object.keys(ways).filter((way) => keepsCheckpoint(driver) || ways[way]!.deletes === 'hard'))(
      `end in the rows %s, however they are cut, whenever a session dies (WEIR_SEED=${testSeed})`,
      { timeout: 120_000 },
      async (way) => {
        const property = fc.asyncProperty(drawnTransactions, async (drawn) => {
          await using run = await RandomRun.start(driver, ways[way]!);
          await run.all(drawn);
        });
        await fc.assert(property, { seed: testSeed, numRuns: RUNS, endOnFailure: process.env['CI'] === 'true' });
      },
    );
  });
}

type Row = readonly CellValue[];

/** Plays transactions to a sink as a source does that reads again from the sink's checkpoint after each restart. */
class RandomRun implements AsyncDisposable {
  readonly #harness: SinkHarness;
  /** Rows per table and key before each transaction, so that a replay makes the same events. */
  readonly #before: (readonly Map<number, Row>[])[] = [[new Map(), new Map()]];
  #session!: DrivenSession;
  #tables!: readonly Table[];

  readonly #options: Partial<SinkOptions>;

  private constructor(harness: SinkHarness, options: Partial<SinkOptions>) {
    this.#harness = harness;
    this.#options = options;
  }

  static async start(driver: SinkDriver, options: Partial<SinkOptions>): Promise<RandomRun> {
    return new RandomRun(await SinkHarness.start(driver, options), options);
  }

  async all(transactions: readonly Transaction[]): Promise<void> {
    /** Crashes that have happened: each happens once, or the replay would end in it again. */
    const crashed = new Set<number>();
    let next = await this.#restart();
    while (next < transactions.length) {
      const { end } = transactions[next]!;
      const crashes = end.includes('crash') && !crashed.has(next);
      crashed.add(next);
      const events = crashes && end === 'crash in the middle' ? transactions[next]!.events.length >> 1 : null;
      await this.#write(transactions[next]!, next++, events);
      if (events === null && (end.startsWith('commit') || (end !== 'more' && !crashes))) await this.#commit(next);
      if (crashes) next = await this.#restart();
    }
    await this.#commit(next);
    const tables = [ordersTable(), linesTable()];
    for (const [i, table] of tables.entries()) await this.#expectRows(table, this.#before[transactions.length]![i]!);
    expect(await this.#session.recover()).toEqual(checkpointAt(transactions.length));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#harness[Symbol.asyncDispose]();
  }

  /** The sink holds what the model holds, which is what the events say. */
  async #expectRows(table: Table, rows: ReadonlyMap<number, Row>): Promise<void> {
    const appends = this.#options.mode === 'append';
    const read = appends ? historyTable(table) : this.#options.deletes === 'soft' ? withMark(table) : table;
    const found = await this.#harness.rows(read);
    expect(found).toEqual(this.#harness.expected(read));
    const mirror = appends ? foldHistory(table, found) : await this.#harness.rows(table);
    const cells = Array.from(rows.values(), (row) => cellsOf(table, valuesOf(table, row)));
    expect(new Set(mirror.map((row) => JSON.stringify(row)))).toEqual(new Set(cells.map((row) => JSON.stringify(row))));
    expect(mirror).toHaveLength(cells.length);
  }

  /** A new session, and the transaction to go on with. */
  async #restart(): Promise<number> {
    await this.#session?.[Symbol.asyncDispose]();
    this.#harness.forget();
    this.#session = await this.#harness.session();
    this.#tables = [ordersTable(), linesTable()];
    const checkpoint = await this.#session.recover();
    return checkpoint === null ? 0 : Number(checkpoint.position);
  }

  #commit(transactions: number): Promise<void> {
    return this.#harness.commit(this.#session, checkpointAt(transactions));
  }

  /** @param events how many of its events arrive before the session dies; null = all */
  async #write(transaction: Transaction, number: number, events: number | null): Promise<void> {
    const rows = this.#before[number]!.map((table) => new Map(table));
    const batch = new BatchBuilder();
    const version = packVersion(0, BigInt(number + 1));
    batch.begin({ position: positionOf(number + 1), version, time: COMMIT_TIME + number, transactionId: String(number) });
    if (number === 0) for (const table of this.#tables) batch.schemaChange({ table, change: 'create' });
    for (const drawn of transaction.events.slice(0, events ?? undefined)) {
      this.#event(batch, rows[drawn.table]!, drawn);
      if (drawn.ends) await this.#harness.write(this.#session, batch.build(null));
    }
    if (events !== null) return;
    await this.#harness.write(this.#session, batch.build(checkpointAt(number + 1)));
    this.#before[number + 1] = rows;
  }

  #event(batch: BatchBuilder, rows: Map<number, Row>, drawn: Event): void {
    const table = this.#tables[drawn.table]!;
    const old = rows.get(drawn.key);
    if (drawn.kind === 'truncate') {
      rows.clear();
      batch.truncate(table);
    } else if (old === undefined) {
      const row = rowOf(drawn.table, drawn.key, drawn.cells);
      rows.set(drawn.key, row);
      batch.insert(table, valuesOf(table, row));
    } else if (drawn.kind === 'delete') {
      rows.delete(drawn.key);
      batch.delete(table, valuesOf(table, drawn.image === 'whole' ? old : keyOnly(table, old)));
    } else {
      const moves = drawn.kind === 'move' && !rows.has(drawn.to);
      this.#update(batch, rows, drawn, { table, old, to: moves ? drawn.to : drawn.key });
    }
  }

  #update(batch: BatchBuilder, rows: Map<number, Row>, drawn: Event, change: { table: Table; old: Row; to: number }): void {
    const { table, old, to } = change;
    const keeps = (column: number): boolean => !table.key.includes(column) && (drawn.unchanged & (1 << column)) !== 0;
    const drawnRow = rowOf(drawn.table, to, drawn.cells);
    rows.delete(drawn.key);
    rows.set(
      to,
      drawnRow.map((cell, column) => (keeps(column) ? old[column]! : cell)),
    );
    const after = drawnRow.map((cell, column) => (keeps(column) ? unchanged : cell));
    const needed = to !== drawn.key;
    const before = drawn.image === 'whole' ? old : drawn.image === 'key' || needed ? keyOnly(table, old) : null;
    batch.update(table, valuesOf(table, after), before === null ? null : valuesOf(table, before));
  }
}

function rowOf(table: 0 | 1, key: number, cells: number): Row {
  const text = cells % 7 === 0 ? null : `${'text '.repeat(cells % 5)}${cells}`;
  if (table === 0) return [key, text, cells % 3 === 0 ? null : `${cells}.25`, cells % 2 === 0];
  return [
    cells % 4 === 0 ? null : cells,
    `line ${key % 2} of a long name`,
    Math.floor(key / 2),
    text,
    cells % 5 === 0 ? null : `{"n": ${cells}}`,
  ];
}

function keyOnly(table: Table, row: Row): Row {
  return row.map((cell, column) => (table.key.includes(column) ? cell : unchanged));
}

function valuesOf(table: Table, row: Row): RowValues {
  return Object.fromEntries(table.columns.map(({ name }, column): [string, CellValue] => [name, row[column]!]));
}

function positionOf(transactions: number): string {
  return String(transactions).padStart(8, '0');
}

function checkpointAt(transactions: number): Checkpoint {
  return { position: positionOf(transactions), state: { transactions } };
}
