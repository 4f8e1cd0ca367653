import {
  BatchBuilder,
  schemaPolicies,
  tableName,
  type Batch,
  type Checkpoint,
  type Commit,
  type Logger,
  type Position,
  type SchemaChange,
  type SinkSession,
  type Table,
} from '@weir/sdk';
import { memoryStore } from '@weir/store';
import {
  FaultScript,
  FaultySink,
  ManualClock,
  MemorySink,
  MemoryTarget,
  boundaryOf,
  commitOf,
  type Fault,
} from '@weir/testkit';
import { ByteBudget } from './byte-budget.ts';
import { LaneRecord } from './lane-record.ts';
import { Lane } from './lane.ts';
import type { SinkPolicies } from './schema-gate.ts';
import { SharedBatch, heldBytes } from './shared-batch.ts';
import { collector, orders, row } from './world.fake.ts';

export const state = { copies: 1, copied: {} };

export function boundary(transaction: number): Checkpoint {
  return { position: boundaryOf(transaction), state };
}

export function commit(number: number): Commit {
  return { position: commitOf(number), version: BigInt(number), time: 0, transactionId: String(number) };
}

/** Rows of transactions: each number of `rows` is the transaction that inserts the order of that number. */
export function batchOf(
  rows: readonly number[],
  checkpoint: Checkpoint | null,
  changes: readonly SchemaChange[] = [],
  table: Table = orders,
): Batch {
  const builder = new BatchBuilder();
  for (const number of rows) builder.begin(commit(number)).insert(table, row(number, 'a'));
  return { ...builder.build(checkpoint), schemaChanges: changes };
}

export function chunkOf(rows: readonly number[], position: Position, table: Table = orders): Batch {
  const builder = new BatchBuilder().begin({ position, version: 0n, time: 0, transactionId: '' });
  for (const number of rows) builder.read(table, row(number, 'a'));
  return builder.chunk(table, { range: null, last: true }).build({ position, state });
}

export interface LaneWorldOptions {
  readonly holds?: Position;
  readonly faults?: readonly Fault[];
  /** Goes on from attempt to attempt. */
  readonly record?: LaneRecord;
  readonly policies?: Partial<SinkPolicies>;
  /** `idempotent` sinks cannot remember stopped tables. */
  readonly mode?: SinkSession['mode'];
  /** Called before each write. */
  readonly beforeWrite?: () => Promise<void>;
  /** Resolves when it is this sink's turn to commit; at once by default. */
  readonly turn?: () => Promise<void>;
}

/** What a sink was given with one write. */
export interface SeenWrite {
  /** `add public.orders`, for each schema change. */
  readonly changes: readonly string[];
  readonly rows: number;
  readonly hasChunk: boolean;
}

/** A lane to a sink, with what it confirms, writes and commits. */
export class LaneWorld {
  readonly clock = new ManualClock();
  readonly target = new MemoryTarget();
  readonly record: LaneRecord;
  readonly budget = new ByteBudget(1 << 20);
  readonly script: FaultScript;
  readonly confirmed: Position[] = [];
  readonly writes: SeenWrite[] = [];
  readonly logged: Record<string, unknown>[] = [];
  readonly hard = new AbortController();
  lane!: Lane;
  run!: Promise<void>;

  private constructor(faults: readonly Fault[], record: LaneRecord) {
    this.record = record;
    this.script = new FaultScript(this.clock, faults);
  }

  static async open(options: LaneWorldOptions = {}): Promise<LaneWorld> {
    const world = new LaneWorld(options.faults ?? [], options.record ?? new LaneRecord());
    const { clock, record, script } = world;
    const shard = { pipeline: 'shop', sink: 'warehouse', shard: 0 };
    const sink = new FaultySink(new MemorySink(world.target, options.mode), 'warehouse', script);
    const session = await sink.open(shard, world.hard.signal);
    if ('recover' in session) await session.recover();
    const write = session.write.bind(session);
    session.write = async (batch) => {
      world.#saw(batch);
      await options.beforeWrite?.();
      await write(batch);
    };
    const confirm = async (_: Lane, { position }: Checkpoint): Promise<void> => void world.confirmed.push(position);
    const policies: SinkPolicies = { mode: 'mirror', schemaChanges: schemaPolicies('apply'), onError: 'stop', ...options.policies };
    const log: Logger = collector(world.logged);
    const holds = options.holds ?? null;
    const own = { session, store: memoryStore(), shard, policies, clock, log, holds, record };
    const turn = options.turn ?? (async () => {});
    world.lane = new Lane({ ...own, taken: () => {}, turn, confirm });
    return world;
  }

  async push(...batches: Batch[]): Promise<void> {
    for (const batch of batches) {
      await this.budget.acquire(heldBytes(batch), this.hard.signal);
      this.lane.push(new SharedBatch(batch, { source: batch, made: 0, filtered: 0 }, this.budget, 1));
    }
  }

  start(): this {
    this.run = this.lane.run(this.hard.signal);
    this.run.catch(() => {});
    return this;
  }

  /** Hands over the batches before the lane starts, so that they are all at hand, and lets it run to its end. */
  async deliver(...batches: Batch[]): Promise<this> {
    await this.push(...batches);
    this.lane.end();
    await this.clock.outcome(this.start().run);
    return this;
  }

  /** The sink's calls without its opening. */
  get calls(): string[] {
    const calls = this.script.calls.map((call) => call.replace('warehouse.', ''));
    return calls.filter((call) => call !== 'open' && call !== 'recover');
  }

  get keys(): number[] {
    return this.target.rows(orders).map(([key]) => Number(key));
  }

  #saw(batch: Batch): void {
    const changes = batch.schemaChanges.map(({ change, table }) => `${change} ${tableName(table)}`);
    this.writes.push({ changes, rows: batch.rows, hasChunk: batch.chunk !== null });
  }
}
