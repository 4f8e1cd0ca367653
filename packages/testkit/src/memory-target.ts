import {
  Op,
  WeirError,
  tableName,
  type Checkpoint,
  type KeyRange,
  type Shard,
  type SinkOptions,
  type StopReason,
  type Table,
} from '@weir/sdk';
import { copiedRange } from './memory-range.ts';
import { MemoryTables, SeenChanges, type TableWriter } from './memory-tables.ts';
import type { SeenBatch, SeenRow } from './seen-batch.ts';
import { contractOptions, contractShard } from './sink-driver.ts';
import { contentOf, type Cells, type TableContent } from './table-content.ts';

/** A table that is stopped from here on. */
export interface StopMark {
  /** `namespace.name`. */
  readonly stops: string;
  readonly reason: StopReason;
}

/** What a session writes, in order. */
export type Written = SeenBatch | StopMark;

/** Rows with the columns of a table that a mirror has. */
export interface KnownRows {
  readonly table: Table;
  readonly rows: Cells[];
}

/** What is kept for one shard of one pipeline's sink. */
interface ShardState {
  fence: number;
  checkpoint: Checkpoint | null;
  stopped: ReadonlyMap<string, StopReason>;
}

/** What a memory sink keeps: all that a real one would have on its disk. Lives longer than sinks and their sessions. */
export class MemoryTarget {
  /** What came, as it came, of sinks that deliver at least once. */
  readonly received: SeenBatch[] = [];
  /** Called after each commit, with the new checkpoint and while nothing else changes. */
  onCommit: ((checkpoint: Checkpoint) => void) | null = null;
  /** Lets the next `apply` fail when half of its batches are in. */
  interruptApply = false;
  /** Whether everything that would write is refused, as by a server that is out of order. */
  refuses = false;
  readonly #shards = new Map<string, ShardState>();
  readonly #staged = new Map<number, { readonly checkpoint: Checkpoint; readonly written: readonly Written[] }>();
  #tables = new MemoryTables();
  #checkpoint: Checkpoint | null = null;
  #stages = 0;
  #halfApplied: number | null = null;

  /** The last one committed, of any shard; null before, and for sinks whose checkpoint is in the store. */
  get checkpoint(): Checkpoint | null {
    return this.#checkpoint;
  }

  /** What was staged and not applied yet. */
  get staged(): number {
    return this.#staged.size;
  }

  /** The rows of what was received. */
  get appended(): SeenRow[] {
    return this.received.flatMap(({ rows }) => rows);
  }

  /** The mirrors, by their names here. */
  get content(): TableContent {
    return contentOf(this.#tables.mirrors());
  }

  rows(table: Table, options: SinkOptions = contractOptions): Cells[] {
    return this.#tables.rows(table, options);
  }

  /** Takes the fence of a shard: whoever had it can change nothing any more (invariant 5). */
  takeFence(shard: Shard = contractShard, options: SinkOptions = contractOptions): MemoryWriter {
    const state = this.#shard(shard);
    return new MemoryWriter(this, { shard, options }, ++state.fence);
  }

  owner(table: Table, writer: TableWriter): ReturnType<MemoryTables['owner']> {
    return this.#tables.owner(table, writer);
  }

  /** What is kept for a shard. @throws WeirError WEIR_DUCKDB_FENCED */
  fenced(shard: Shard, fence: number): Readonly<ShardState> {
    const state = this.#shard(shard);
    if (fence !== state.fence) throw new WeirError('WEIR_DUCKDB_FENCED', 'another session has taken the fence');
    return state;
  }

  checkpointOf(shard: Shard): Checkpoint | null {
    return this.#shard(shard).checkpoint;
  }

  stoppedOf(shard: Shard): ReadonlyMap<string, StopReason> {
    return this.#shard(shard).stopped;
  }

  /** The rows of a mirror in a range of keys, as they will be once what was written is committed. */
  rowsBehind(writer: TableWriter, written: readonly Written[], table: Table, range: KeyRange): KnownRows {
    const tables = this.#tables.clone();
    for (const item of written) if (!('stops' in item)) tables.apply(item, writer);
    const copied = copiedRange(table, range);
    const known = tables.known(table, writer.options);
    const rows = tables.rows(table, writer.options).filter((row) => copied.holds(row));
    const places = known.columns.map((column) => table.columns.indexOf(column));
    return { table: known, rows: rows.map((row) => places.map((place) => row[place]!)) };
  }

  /** Makes what was written durable at once. Only for who holds the fence. */
  commit(writer: TableWriter, written: readonly Written[], checkpoint: Checkpoint): void {
    this.#write(writer, written);
    this.#shard(writer.shard).checkpoint = checkpoint;
    this.#checkpoint = checkpoint;
    this.onCommit?.(checkpoint);
  }

  /** Keeps what was written aside, to be applied by number. */
  stage(written: readonly Written[], checkpoint: Checkpoint): number {
    this.#assertInOrder();
    this.#staged.set(++this.#stages, { checkpoint, written });
    return this.#stages;
  }

  /** Applies what was staged under a number, or the rest of it; once more changes nothing. What was begun is ended first. */
  apply(writer: TableWriter, stage: number): void {
    const staged = this.#staged.get(stage);
    if (staged === undefined) return;
    if (this.#halfApplied !== null && this.#halfApplied !== stage) {
      throw new WeirError('WEIR_SDK_USE', `stage ${stage} is applied, but ${this.#halfApplied} is in by half`);
    }
    const { checkpoint, written } = staged;
    if (this.interruptApply && written.length > 0) this.#interrupt(writer, stage, written, checkpoint);
    this.#halfApplied = null;
    this.#staged.delete(stage);
    this.commit(writer, written, checkpoint);
  }

  /** Applies rows at once, each unless a newer version of its key is there: a replay changes nothing in the end. */
  upsert(writer: TableWriter, batch: SeenBatch, seen: SeenChanges): void {
    this.#assertInOrder();
    const tables = this.#tables.clone();
    tables.upsert(batch, writer, seen);
    this.#tables = tables;
  }

  /** Takes events as they come, however often. */
  receive(batch: SeenBatch): void {
    this.#assertInOrder();
    this.received.push(batch);
  }

  /** Forgets which keys are gone, as a store does that purges deletions too early. */
  forgetTombstones(): void {
    this.#tables.forgetTombstones();
  }

  #assertInOrder(): void {
    if (this.refuses) throw new WeirError('WEIR_INTERNAL', 'scripted: the server is out of order');
  }

  #interrupt(writer: TableWriter, stage: number, written: readonly Written[], checkpoint: Checkpoint): never {
    this.interruptApply = false;
    const half = Math.ceil(written.length / 2);
    this.#write(writer, written.slice(0, half));
    this.#staged.set(stage, { checkpoint, written: written.slice(half) });
    this.#halfApplied = stage;
    throw new WeirError('WEIR_INTERNAL', `scripted: stage ${stage} is in by half`);
  }

  /** All of it, or nothing when a part is refused. */
  #write(writer: TableWriter, written: readonly Written[]): void {
    this.#assertInOrder();
    const state = this.#shard(writer.shard);
    const tables = this.#tables.clone();
    const stopped = new Map(state.stopped);
    for (const item of written) {
      if ('stops' in item) {
        stopped.set(item.stops, item.reason);
        continue;
      }
      assertNotStopped(item, stopped);
      tables.apply(item, writer);
    }
    this.#tables = tables;
    state.stopped = stopped;
  }

  #shard({ pipeline, sink, shard }: Shard): ShardState {
    const key = JSON.stringify([pipeline, sink, shard]);
    let state = this.#shards.get(key);
    if (state === undefined) this.#shards.set(key, (state = { fence: 0, checkpoint: null, stopped: new Map() }));
    return state;
  }
}

/** Who has taken the fence of a shard; refused as soon as another has taken it (invariant 5). */
export class MemoryWriter implements TableWriter {
  readonly shard: Shard;
  readonly options: SinkOptions;
  readonly #target: MemoryTarget;
  readonly #fence: number;
  readonly #seen = new SeenChanges();

  constructor(target: MemoryTarget, { shard, options }: TableWriter, fence: number) {
    this.shard = shard;
    this.options = options;
    this.#target = target;
    this.#fence = fence;
  }

  /** @throws WeirError WEIR_DUCKDB_FENCED */
  get checkpoint(): Checkpoint | null {
    this.#assertFence();
    return this.#target.checkpointOf(this.shard);
  }

  /** The tables that are stopped, by `namespace.name`. */
  get stopped(): ReadonlyMap<string, StopReason> {
    return this.#target.stoppedOf(this.shard);
  }

  /** Rows, marks and checkpoint at once, or nothing. @throws WeirError WEIR_DUCKDB_FENCED, WEIR_SDK_USE */
  commit(written: readonly Written[], checkpoint: Checkpoint): void {
    this.#assertFence();
    this.#target.commit(this, written, checkpoint);
  }

  rowsBehind(written: readonly Written[], table: Table, range: KeyRange): KnownRows {
    return this.#target.rowsBehind(this, written, table, range);
  }

  stage(written: readonly Written[], checkpoint: Checkpoint): number {
    this.#assertFence();
    return this.#target.stage(written, checkpoint);
  }

  apply(stage: number): void {
    this.#assertFence();
    this.#target.apply(this, stage);
  }

  upsert(batch: SeenBatch): void {
    this.#assertFence();
    this.#target.upsert(this, batch, this.#seen);
  }

  #assertFence(): void {
    this.#target.fenced(this.shard, this.#fence);
  }
}

/** A stopped table gets neither rows nor changes, but for the `create` that starts it again. */
function assertNotStopped(batch: SeenBatch, stopped: Map<string, StopReason>): void {
  for (const { table, change } of batch.schemaChanges) {
    const name = tableName(table);
    if (change === 'create' || change === 'drop-table') stopped.delete(name);
    else if (stopped.has(name)) throw new WeirError('WEIR_SDK_USE', `${name} is stopped, but it is changed (${change})`);
  }
  for (const { op, table } of batch.rows) {
    if (op !== Op.message && stopped.has(table)) throw new WeirError('WEIR_SDK_USE', `${table} is stopped, but a row came`);
  }
}
