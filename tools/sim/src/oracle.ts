import { keyOrder, rangeHolds, type Checkpoint, type Key, type Table } from '@weir/sdk';
import { positionLsn, readState, type PostgresState } from '@weir/source-postgres/parts';
import type { SinkRows } from './sink-rows.ts';
import type { Database } from './database.ts';
import type { SimRow } from './sim-tables.ts';
import type { SimTransaction } from './sim-transaction.ts';
import { types } from './sim-types.ts';
import { Violation } from './violation.ts';

type TableState = PostgresState['tables'][number];
type KeyOrder = (a: Key, b: Key) => number;

export interface ContentOptions {
  /** The sink, for a person. */
  readonly name: string;
  /** Another sink may have made a copy begin again, before which this one had rows of keys that are not read yet. */
  readonly mayKeepUnread: boolean;
}

/**
 * Holds what a sink has of every table against what the server had at the checkpoint that is durable in it: no row is lost,
 * doubled, half of a transaction's or of another time (invariants 2, 3 and 4).
 * @throws Violation
 */
export function checkContent(database: Database, rows: SinkRows, checkpoint: Checkpoint, options: ContentOptions): void {
  const state = readState(checkpoint);
  for (const table of state.tables) if (table.shape !== null) new TableCheck(database, rows, checkpoint, table).check(options);
}

const idColumn = { name: 'id', type: { kind: 'string' }, nullable: false, sourceType: '' } as const;

/** Each table has as many rows as at the server now. @throws Violation */
export function checkNothingLost(database: Database, rows: SinkRows, sink: string): void {
  for (const table of database.tables) {
    const found = new Set(rows({ namespace: 'public', name: table.name, version: 1, columns: [idColumn], key: [0] }).map(([key]) => key));
    const expected = database.rows(table, database.snapshot());
    if (found.size !== expected.length) {
      throw new Violation(7, 'a row is lost', `${sink} has ${found.size} rows of ${table.name}, the source ${expected.length}`);
    }
  }
}

/** One table at one checkpoint. */
class TableCheck {
  readonly #database: Database;
  readonly #checkpoint: Checkpoint;
  readonly #table: TableState;
  readonly #order: KeyOrder;
  readonly #rows: ReadonlyMap<string, readonly (string | null)[]>;
  /** `attnum`s of the columns that are compared. */
  readonly #columns: readonly number[];

  constructor(database: Database, sinkRows: SinkRows, checkpoint: Checkpoint, table: TableState) {
    const sinkTable = tableOf(table);
    // A column that is gone by now may have been read without its values, as a copy looks at what there is.
    const present = new Set(database.table(table.name).shape.columns.map(({ attnum }) => attnum));
    const columns = table.shape!.columns.map(([attnum]) => attnum);
    this.#database = database;
    this.#checkpoint = checkpoint;
    this.#table = table;
    this.#order = keyOrder(sinkTable)!;
    this.#columns = columns.filter((attnum) => present.has(attnum));
    const rows = sinkRows(sinkTable).map((cells) => cells.filter((_, at) => present.has(columns[at]!)).map(textOf));
    this.#rows = new Map(rows.map((cells) => [cells[0]!, cells]));
  }

  check(options: ContentOptions): void {
    const { name } = this.#table;
    for (const key of new Set([...this.#database.keys(name), ...this.#rows.keys()])) {
      const isRead = this.#isRead(key);
      if (isRead || !options.mayKeepUnread) this.#checkKey(key, isRead, options);
    }
  }

  #checkKey(key: string, isRead: boolean, options: ContentOptions): void {
    const versions = this.#database.versions(this.#table.name, key);
    const isIn = this.#includes(key);
    const expected = isRead ? versions.findLastIndex(({ by }) => isIn(by)) : -1;
    const textAt = (index: number): string | null => this.#shown(versions[index]?.row ?? null);
    const found = this.#rows.get(key)?.map((cell) => cell ?? '-').join(' ') ?? null;
    if (found === textAt(expected)) return;
    const isOlder = (found === null && expected >= 0) || versions.some((_, index) => index < expected && textAt(index) === found);
    const what = `key ${key} of ${this.#table.name} is ${JSON.stringify(found)}, not ${JSON.stringify(textAt(expected))}`;
    const detail = `${options.name} at ${this.#checkpoint.position}: ${what}`;
    if (isOlder) throw new Violation(4, 'the checkpoint is ahead of the sink', detail);
    throw new Violation(3, 'the sink shows what is not of its checkpoint', detail);
  }

  /** What the copy has read of a table, a sink has to have. */
  #isRead(key: string): boolean {
    const { chunks } = this.#table;
    if (chunks === undefined) return true;
    if (chunks.holes.some((hole) => this.#order(hole, [key]) === 0)) return false;
    return chunks.done || (chunks.upTo !== null && this.#order([key], chunks.upTo) <= 0);
  }

  /** Whose writes a row has: of all that committed below the checkpoint, and of what the last round saw where it read. */
  #includes(key: string): (by: SimTransaction) => boolean {
    const { round } = readState(this.#checkpoint);
    const lsn = Number(positionLsn(this.#checkpoint.position));
    const ranges = round?.ranges.filter(({ oid }) => oid === this.#table.oid) ?? [];
    const inRound = ranges.some((range) => rangeHolds(range, [key], this.#order));
    const isSeen = inRound ? seenBy(round!.snapshot) : () => false;
    return (by) => by.isCommitted && (by.commitLsn < lsn || isSeen(by));
  }

  #shown(row: SimRow | null): string | null {
    if (row === null) return null;
    const { missing } = this.#database.table(this.#table.name);
    return this.#columns.map((attnum) => (attnum <= row.length ? row[attnum - 1] : missing.get(attnum)) ?? '-').join(' ');
  }
}

/** Read by hand: what is checked here is, among others, how the source reads it. */
function seenBy(snapshot: string): (transaction: SimTransaction) => boolean {
  const [, next, open = ''] = snapshot.split(':');
  const hidden = new Set(open.split(','));
  return ({ id }) => id < Number(next) && !hidden.has(String(id));
}

function tableOf({ namespace, name, shape }: TableState): Table {
  const columns = shape!.columns.map(([, column, typeOid]) => {
    const isText = types.get(typeOid)!.name === 'text';
    const type = isText ? ({ kind: 'string' } as const) : ({ kind: 'int', bits: 32 } as const);
    return { name: column, type, nullable: true, sourceType: '' };
  });
  return { namespace, name, version: 1, columns, key: [0] };
}

/** Cells of a memory sink are bytes as Latin-1. */
function textOf(cell: unknown): string | null {
  return typeof cell === 'string' ? Buffer.from(cell, 'latin1').toString() : null;
}
