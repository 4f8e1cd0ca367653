import { MysqlGtidSet, type LogPosition } from '@weir/binlog';
import { BatchWriter, NO_IMAGE, Op, keyOrder, rangeHolds, type Batch, type Key, type RowJudge, type Table } from '@weir/sdk';
import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shapeOfState, type TableShape } from '../capture/table-shape.ts';
import type { CopyState } from '../checkpoint-state.ts';
import type { ReadChunk } from './chunk-reader.ts';
import { SnapshotMoment, type StreamPlace } from './chunk-snapshot.ts';
import { ChunkedCopy, type ChunkSource } from './chunked-copy.ts';
import { keyAt } from './row-key.ts';

const UUID = '3e11fa47-71ca-11e1-9e33-c80aa9429562';

/** A table whose key the client orders, and one whose key only the server does: texts without regard to case. */
const kinds = {
  ordered: { type: 'int', keys: Array.from({ length: 12 }, (_, n) => String(n * 7 - 20)), fold: (key: string) => key, compare: (a: string, b: string) => Number(a) - Number(b) },
  collated: {
    type: 'varchar(9)',
    keys: ['a', 'A', 'b', 'B', 'ab', 'AB', 'c', 'ca', 'Ca', 'd', 'D', 'e'],
    fold: (key: string) => key.toLowerCase(),
    compare: (a: string, b: string) => (a.toLowerCase() < b.toLowerCase() ? -1 : a.toLowerCase() > b.toLowerCase() ? 1 : 0),
  },
} as const;
type Kind = (typeof kinds)[keyof typeof kinds];

/** One row of a transaction, as the log has it. */
interface LoggedRow {
  readonly before: readonly [key: string, value: string] | null;
  readonly after: readonly [key: string, value: string] | null;
}

/** A server with one table: its log, and the table after each transaction. */
class Server {
  readonly log: (readonly LoggedRow[] | 'truncate')[] = [];
  readonly #states: ReadonlyMap<string, readonly [string, string]>[] = [new Map()];
  readonly #kind: Kind;

  constructor(kind: Kind) {
    this.#kind = kind;
  }

  /** The table after so many transactions, in the order of its key. */
  after(transactions: number): (readonly [string, string])[] {
    return [...this.#states[transactions]!.values()].toSorted(([a], [b]) => this.#kind.compare(a, b));
  }

  /** @param steps each sets a key to a value, moves it, or removes it; what cannot be done is left out */
  commit(steps: readonly Step[]): void {
    const state = new Map(this.#states.at(-1));
    if (steps.length === 0) {
      this.log.push('truncate');
      this.#states.push(new Map());
      return;
    }
    const rows = steps.flatMap(({ from, to, value }): LoggedRow[] => {
      const [oldKey, newKey] = [this.#kind.keys[from]!, this.#kind.keys[to]!];
      const before = state.get(this.#kind.fold(oldKey)) ?? null;
      if (value === null) {
        if (!state.delete(this.#kind.fold(oldKey))) return [];
        return [{ before, after: null }];
      }
      const isTaken = this.#kind.fold(newKey) !== this.#kind.fold(oldKey) && state.has(this.#kind.fold(newKey));
      if (isTaken) return [];
      const after = [newKey, value] as const;
      state.delete(this.#kind.fold(oldKey));
      state.set(this.#kind.fold(newKey), after);
      return [{ before, after }];
    });
    this.log.push(rows);
    this.#states.push(state);
  }
}

interface Step {
  readonly from: number;
  readonly to: number;
  readonly value: string | null;
}

const placeAfter = (transactions: number): LogPosition => ({ file: 'binlog.000001', offset: 100 + transactions });

function setOf(transactions: number): MysqlGtidSet {
  return MysqlGtidSet.parse(transactions === 0 ? '' : `${UUID}:1-${transactions}`);
}

/** Reads when it is told to, as far as it is told. */
class Reader implements ChunkSource {
  readonly #server: Server;
  readonly #shape: TableShape;
  readonly #isExact: boolean;
  pending: ((seen: { low: number; seen: number; high: number }) => Promise<void>) | null = null;

  constructor(server: Server, shape: TableShape, isExact: boolean) {
    this.#server = server;
    this.#shape = shape;
    this.#isExact = isExact;
  }

  async read(_shape: TableShape, after: Key | null, most: number, place: StreamPlace, signal: AbortSignal): Promise<ReadChunk | null> {
    return await new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
      this.pending = async ({ low, seen, high }) => {
        this.pending = null;
        const moment = this.#isExact
          ? new SnapshotMoment({ high: placeAfter(seen), low: null, locked: placeAfter(high) })
          : new SnapshotMoment({ high: placeAfter(high), low: setOf(low), locked: placeAfter(high) });
        const covered = moment.covers(place);
        resolve(covered ? this.#chunk(after, most, seen, moment) : null);
        // What waits for it comes first.
        for (let turn = 0; turn < 5; turn++) await Promise.resolve();
      };
    });
  }

  #chunk(after: Key | null, most: number, seen: number, moment: SnapshotMoment): ReadChunk {
    const all = this.#server.after(seen);
    const kind = this.#shape.table.columns[0]!.type.kind === 'int' ? kinds.ordered : kinds.collated;
    const rows = all.filter(([key]) => after === null || kind.compare(key, after[0]!) > 0).slice(0, most);
    const batches = rows.length === 0 ? [] : [rows.slice(0, 2), rows.slice(2)].filter((part) => part.length > 0).map((part) => batchOf(this.#shape.table, part));
    return { moment, batches, rows: rows.length, bytes: rows.length, isRest: rows.length < most };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

const encoder = new TextEncoder();

function writeImage(writer: BatchWriter, cells: readonly string[]): void {
  for (const cell of cells) {
    const bytes = encoder.encode(cell);
    writer.cell(writer.append(bytes), bytes.length);
  }
}

function batchOf(table: Table, rows: readonly (readonly [string, string])[]): Batch {
  const writer = new BatchWriter();
  writer.addCommit({ position: '', version: 0n, time: 0, transactionId: '' });
  for (const [index, row] of rows.entries()) {
    writer.beginRow(Op.read, writer.tableIndex(table), 0, index + 1);
    writer.beginAfter();
    writeImage(writer, row);
  }
  return writer.close(null);
}

/** A mirror: what it has, and how it is changed. */
class Mirror {
  readonly rows = new Map<string, string>();
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  take(batch: Batch): void {
    const range = batch.chunk?.range ?? null;
    const order = keyOrder(this.#table)!;
    if (range !== null) for (const key of this.rows.keys()) if (rangeHolds(range, [key], order)) this.rows.delete(key);
    for (let row = 0; row < batch.rows; row++) {
      if (range !== null) expect(rangeHolds(range, keyAt(batch, this.#table, row)!, order)).toBe(true);
      if (batch.op[row] === Op.truncate) this.rows.clear();
      const before = batch.before[row]!;
      if (before !== NO_IMAGE) this.rows.delete(cellText(batch, before));
      const after = batch.after[row]!;
      if (after !== NO_IMAGE) this.rows.set(cellText(batch, after), cellText(batch, after + 1));
    }
  }
}

function cellText({ data, start, length }: Batch, cell: number): string {
  const from = start[cell]!;
  return Buffer.from(data.subarray(from, from + length[cell]!)).toString();
}

/** A transaction of the stream as the log's decoder makes it. */
function transaction(table: Table, rows: readonly LoggedRow[] | 'truncate', judge: RowJudge | null): Batch {
  const writer = new BatchWriter();
  writer.addCommit({ position: '', version: 0n, time: 0, transactionId: '' });
  const index = writer.tableIndex(table);
  if (rows === 'truncate') {
    writer.beginRow(Op.truncate, index, 0, 1);
    judge?.truncated();
    return writer.close(null);
  }
  for (const [ordinal, { before, after }] of rows.entries()) {
    writer.beginRow(before === null ? Op.insert : after === null ? Op.delete : Op.update, index, 0, ordinal + 1);
    if (before !== null) {
      writer.beginBefore();
      writeImage(writer, before);
    }
    if (after !== null) {
      writer.beginAfter();
      writeImage(writer, after);
    }
    if (judge?.keeps(writer) === false) writer.dropRow();
  }
  return writer.close(null);
}

type Action =
  | { readonly what: 'commit'; readonly steps: readonly Step[] }
  | { readonly what: 'truncate' | 'deliver' | 'restart' }
  | { readonly what: 'read'; readonly low: number; readonly seen: number };

const step: fc.Arbitrary<Step> = fc.record({
  from: fc.nat(11),
  to: fc.nat(11),
  value: fc.option(fc.string({ minLength: 1, maxLength: 3 }), { nil: null }),
});
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ what: fc.constant('commit' as const), steps: fc.array(step, { minLength: 1, maxLength: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('truncate' as const) }) },
  { weight: 6, arbitrary: fc.record({ what: fc.constant('deliver' as const) }) },
  { weight: 4, arbitrary: fc.record({ what: fc.constant('read' as const), low: fc.nat(3), seen: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('restart' as const) }) },
);

interface Run {
  readonly kind: keyof typeof kinds;
  readonly isExact: boolean;
  readonly chunkRows: number;
  readonly before: readonly Step[];
  readonly actions: readonly Action[];
}

/** A stream and a copy, as a session has them; the sink commits at every boundary. */
class Session {
  readonly #server: Server;
  readonly #shape: TableShape;
  readonly #run: Run;
  readonly mirror: Mirror;
  #now = 0;
  /** It moves on at each boundary, so that nothing rests for longer. */
  readonly #clock = { now: () => (this.#now += 1000), sleep: async () => {}, random: () => 0.5 };
  #reader!: Reader;
  copy!: ChunkedCopy;
  state: CopyState | null = { upTo: null, rows: 0 };
  delivered: number;

  constructor(server: Server, shape: TableShape, run: Run) {
    this.#server = server;
    this.#shape = shape;
    this.#run = run;
    this.mirror = new Mirror(shape.table);
    this.delivered = server.log.length;
    this.start();
  }

  start(): void {
    this.#reader = new Reader(this.#server, this.#shape, this.#run.isExact);
    const host = {
      copied: (_table: Table, copy: CopyState | null) => {
        this.state = copy;
        return { checkpoint: { position: '', state: null }, version: 0n };
      },
    };
    this.copy = new ChunkedCopy({ readers: [this.#reader], chunkRows: this.#run.chunkRows, host, clock: this.#clock });
    if (this.state !== null) this.copy.add(this.#shape, this.state, 0);
    this.boundary();
  }

  boundary(): void {
    const end = placeAfter(this.delivered);
    for (const batch of this.copy.atBoundary({ end, reached: end, gtids: this.#run.isExact ? null : setOf(this.delivered) })) {
      this.mirror.take(batch);
      batch.release();
    }
    this.#expectCopied();
  }

  deliver(): void {
    if (this.delivered === this.#server.log.length) return;
    this.mirror.take(transaction(this.#shape.table, this.#server.log[this.delivered++]!, this.copy.judge(this.#shape.table)));
    this.boundary();
  }

  /** The server shows more or less of what it has executed. */
  async read(low: number, seen: number): Promise<void> {
    const all = this.#server.log.length;
    const sure = Math.max(0, all - low);
    await this.#reader.pending?.({ low: sure, seen: Math.min(all, sure + seen), high: all });
    this.boundary();
  }

  /** What is copied is what the table has where the stream stands; behind that the mirror has nothing that a client orders. */
  #expectCopied(): void {
    if (this.#run.kind !== 'ordered') return;
    const { upTo } = this.state ?? { upTo: null };
    const copied = this.#server.after(this.delivered).filter(([key]) => this.state === null || (upTo !== null && Number(key) <= Number(upTo[0])));
    expect(new Map(this.mirror.rows)).toEqual(new Map(copied));
  }
}

async function play(run: Run): Promise<void> {
  const kind = kinds[run.kind];
  const column = (name: string, type: string): { name: string; type: string; nullable: boolean } => ({ name, type, nullable: false });
  const shape = shapeOfState(
    { namespace: 'd', name: 't', reason: 'first', version: 1, columns: [column('k', kind.type), column('v', 'varchar(9)')], key: [0] },
    'null',
  );
  const server = new Server(kind);
  if (run.before.length > 0) server.commit(run.before);
  const session = new Session(server, shape, run);
  for (const each of run.actions) {
    if (each.what === 'commit') server.commit(each.steps);
    else if (each.what === 'truncate') server.commit([]);
    else if (each.what === 'deliver') session.deliver();
    else if (each.what === 'read') await session.read(each.low, each.seen);
    else {
      await session.copy[Symbol.asyncDispose]();
      session.start();
    }
  }
  for (let turn = 0; session.copy.isActive; turn++) {
    expect(turn).toBeLessThan(200);
    while (session.delivered < server.log.length) session.deliver();
    await session.read(0, 0);
  }
  while (session.delivered < server.log.length) session.deliver();
  expect(new Map(session.mirror.rows)).toEqual(new Map(server.after(server.log.length)));
  await session.copy[Symbol.asyncDispose]();
}

describe('whatever is written while a table is copied, the mirror has the table in the end (invariant 7)', () => {
  it.each(['ordered', 'collated'] as const)('with keys that are %s', async (kind) => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          kind: fc.constant(kind),
          isExact: fc.boolean(),
          chunkRows: fc.integer({ min: 1, max: 5 }),
          before: fc.array(step, { maxLength: 20 }),
          actions: fc.array(action, { maxLength: 60 }),
        }),
        play,
      ),
      { seed: testSeed, numRuns: 200 },
    );
  }, 120_000);
});
