import {
  crashPoint,
  filterRows,
  type Batch,
  type Checkpoint,
  type Clock,
  type Logger,
  type Position,
  type Shard,
  type SinkSession,
} from '@weir/sdk';
import type { Store } from '@weir/store';
import { commitCheckpoint } from './commit.ts';
import { isCopy } from './copy.ts';
import type { LaneRecord } from './lane-record.ts';
import { compareRange, withoutRange } from './same-range.ts';
import { SchemaGate, type SinkPolicies } from './schema-gate.ts';
import type { SharedBatch } from './shared-batch.ts';

/**
 * A commit waits for more rows only while there are some at hand, and no longer than this, or than the last one took: where
 * commits are slow, as with rows of a thousand tables, the rows of each gather while the time for writing is at least half …
 */
const GROUP_MS = 250;
/** … but never longer than this … */
const LONGEST_GROUP_MS = 2_000;
/** … or for more bytes than these. */
const GROUP_BYTES = 32 << 20;
/**
 * Behind a commit that took so long the next one waits a moment for more also when nothing is at hand, for a part of that time:
 * a source that reads ahead was held up by the commit, and goes on as soon as what it had read is taken.
 */
const SLOW_COMMIT_MS = 250;
const PART_WAITED = 1 / 8;

const abandonReason = new Error('the attempt is over');

export interface LaneOptions {
  readonly session: SinkSession;
  readonly store: Store;
  readonly shard: Shard;
  readonly policies: SinkPolicies;
  readonly clock: Clock;
  readonly log: Logger;
  /** What this sink holds already: streamed rows up to here are dropped as replayed. Null when everything is new to it. */
  readonly holds: Position | null;
  readonly record: LaneRecord;
  /** Called when a batch leaves the queue. */
  readonly taken: () => void;
  /** Called before each commit: resolves when it is this sink's turn. */
  readonly turn: (lane: Lane, checkpoint: Checkpoint) => Promise<void>;
  /** Called after each commit, to confirm to the source what every lane has (invariant 1). */
  readonly confirm: (lane: Lane, checkpoint: Checkpoint) => Promise<void>;
}

/**
 * One sink's way through an attempt: takes batches in order, writes them, and commits on checkpoints only (invariant 3).
 * It commits as soon as nothing more is at hand, so that a quiet stream has the latency of one commit and a busy one
 * gathers while the sink is at work.
 */
export class Lane {
  readonly record: LaneRecord;
  readonly #options: LaneOptions;
  readonly #gate: SchemaGate;
  readonly #queue: SharedBatch[] = [];
  #holds: Position | null;
  #wake: (() => void) | null = null;
  #ended = false;
  #pending: Checkpoint | null = null;
  #groupBytes = 0;
  #groupSince = 0;
  #lastCommitMs = 0;
  /** False from a push until everything handed over is committed. */
  #settled = true;
  #idle: (() => void)[] = [];
  readonly #abandoned = new AbortController();

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#gate = new SchemaGate(options);
    this.#holds = options.holds;
    this.record = options.record;
  }

  get sink(): string {
    return this.#options.shard.sink;
  }

  /** Whether the sink keeps every change, and not the rows as they are now. */
  get keepsHistory(): boolean {
    return this.#options.policies.mode === 'append';
  }

  /** Whether the sink can say which rows it has in a range of keys. */
  get canCompare(): boolean {
    return this.#options.session.readRange !== undefined;
  }

  /** Batches that wait. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Hands over a batch. The caller's byte budget bounds the queue. */
  push(shared: SharedBatch): void {
    this.record.received(shared);
    this.#settled = false;
    this.#queue.push(shared);
    this.#wakeUp();
  }

  /** A copy from nothing begins: what the sink holds is of no account any more. */
  startOver(): void {
    this.#holds = null;
  }

  /** No more batches: `run` commits what it can and resolves. */
  end(): void {
    this.#ended = true;
    this.#wakeUp();
  }

  /** Resolves when everything handed over is committed. */
  async settled(): Promise<void> {
    if (this.#settled) return;
    const idle = new Promise<void>((resolve) => this.#idle.push(resolve));
    this.#wakeUp();
    await idle;
  }

  /** Runs until `end`, or until the sink fails. @param signal ends it at once */
  async run(signal: AbortSignal): Promise<void> {
    const onAbort = (): void => this.#wakeUp();
    signal.addEventListener('abort', onAbort);
    try {
      while (true) {
        signal.throwIfAborted();
        const shared = this.#queue.shift();
        if (shared !== undefined) await this.#take(shared, signal);
        else if (this.#ended) return;
        else await this.#nextPush();
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Gives back what was not written, and from then on counts nothing: a sink's late answer changes no record. */
  abandon(): void {
    this.#abandoned.abort(abandonReason);
    for (const shared of this.#queue.splice(0)) shared.letGo();
    this.record.abandoned();
  }

  async #take(shared: SharedBatch, signal: AbortSignal): Promise<void> {
    this.record.taken(shared.bytes);
    this.#options.taken();
    const batch = this.#dropReplayed(shared.batch);
    // Not let go when the write fails: the sink may still be reading. Its memory is then not used again, but collected.
    if (batch !== null) await this.#write(batch);
    shared.letGo();
    if (this.#abandoned.signal.aborted) return;
    if (this.#pending !== null && (this.#groupIsFull() || !(await this.#nextIsWholeSoon(signal)))) await this.#commitNow();
    if (this.#queue.length === 0 && this.#groupBytes === 0) this.#settle();
  }

  #settle(): void {
    this.#settled = true;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #write(batch: Batch): Promise<void> {
    if (this.#groupBytes === 0) this.#groupSince = this.#options.clock.now();
    crashPoint('engine.before-write');
    let admitted: Batch;
    try {
      admitted = this.#gate.admit(batch);
    } catch (error) {
      // What is complete before a refusal is delivered: the sink ends where it has to.
      if (this.#pending !== null) await this.#commit(this.#pending);
      this.#failed(error);
      throw error;
    }
    try {
      if (this.#gate.hasMarks) await this.#gate.mark();
      if (this.#abandoned.signal.aborted) return;
      admitted = await this.#withoutSame(admitted);
      if (hasWork(admitted)) await this.#options.session.write(admitted);
    } catch (error) {
      this.#failed(error);
      throw error;
    }
    if (this.#abandoned.signal.aborted) return;
    this.record.wrote(admitted);
    this.#groupBytes += Math.max(1, batch.bytes);
    this.#pending = batch.checkpoint && this.#notBehind(batch.checkpoint);
  }

  /** A repair writes only where the sink has other rows. */
  async #withoutSame(batch: Batch): Promise<Batch> {
    const compared = await compareRange(this.#options.session, batch);
    if (compared === null || this.#abandoned.signal.aborted) return batch;
    this.record.compared(compared.table, batch.rows, compared.isSame);
    return compared.isSame ? withoutRange(batch) : batch;
  }

  /** A failure that is about one table may stop only that; one that is told late stops nothing. */
  #failed(error: unknown): void {
    if (!this.#abandoned.signal.aborted) this.#gate.failed(error);
  }

  /** Whether the sink is ahead of a checkpoint of a copy that is made for one that is behind. */
  keepsPlaceAt({ position }: Checkpoint): boolean {
    return this.#holds !== null && position < this.#holds;
  }

  /** A sink that takes part in a copy for one that is behind keeps its own place: it holds the stream up to there. */
  #notBehind(checkpoint: Checkpoint): Checkpoint {
    return this.keepsPlaceAt(checkpoint) ? { position: this.#holds!, state: checkpoint.state } : checkpoint;
  }

  /** Without rows that this sink has committed before; null when nothing is left (invariant 4). */
  #dropReplayed(batch: Batch): Batch | null {
    const holds = this.#holds;
    if (holds === null || isCopy(batch)) return batch;
    const { checkpoint } = batch;
    if (checkpoint !== null && checkpoint.position <= holds) {
      this.record.replayed(batch.rows);
      return null;
    }
    const fresh = batch.commits.map((commit) => commit.position > holds);
    const rest = filterRows(batch, (row) => fresh[batch.commit[row]!]!);
    this.record.replayed(batch.rows - rest.rows);
    // Schema changes come before the rows: where the first commit is a replay, so are they.
    const areChangesReplayed = fresh[0] === false;
    if (rest.rows === 0 && checkpoint === null && (batch.rows > 0 || areChangesReplayed)) return null;
    return areChangesReplayed ? { ...rest, schemaChanges: [] } : rest;
  }

  /**
   * Whether the next transaction is at hand to its end. What is complete does not wait for one that goes on, nor for one that
   * may be refused in its middle.
   */
  #nextIsWhole(): boolean {
    for (const [index, { batch }] of this.#queue.entries()) {
      if (index > 0 && batch.schemaChanges.length > 0) return false;
      if (batch.checkpoint !== null) return true;
    }
    return false;
  }

  /** The same, where commits are slow also within a part of the time that the last one took. */
  async #nextIsWholeSoon(signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options;
    const isSlow = this.#lastCommitMs >= SLOW_COMMIT_MS;
    const until = clock.now() + (isSlow ? Math.min(this.#lastCommitMs, LONGEST_GROUP_MS) * PART_WAITED : 0);
    while (!this.#nextIsWhole()) {
      const left = until - clock.now();
      // Whoever waits until everything is committed hands over nothing.
      if (left <= 0 || this.#ended || this.#idle.length > 0 || signal.aborted) return false;
      const timer = new AbortController();
      await Promise.race([this.#nextPush(), clock.sleep(left, timer.signal).catch(() => {})]);
      timer.abort();
    }
    return true;
  }

  #groupIsFull(): boolean {
    return (
      this.#groupBytes >= GROUP_BYTES ||
      this.#options.clock.now() - this.#groupSince >= Math.min(Math.max(GROUP_MS, this.#lastCommitMs), LONGEST_GROUP_MS)
    );
  }

  /** Commits what is complete, unless the attempt ended meanwhile. */
  async #commitNow(): Promise<void> {
    if (!this.#abandoned.signal.aborted) await this.#commit(this.#pending!);
  }

  async #commit(checkpoint: Checkpoint): Promise<void> {
    const { session, store, shard, clock } = this.#options;
    this.record.checkBalance(shard.sink);
    await this.#options.turn(this, checkpoint);
    if (this.#abandoned.signal.aborted) return;
    const started = clock.now();
    const confirm = async (durable: Checkpoint): Promise<void> => {
      this.#lastCommitMs = clock.now() - started;
      this.record.committed(durable.position, clock.now(), this.#lastCommitMs);
      this.#gate.committed();
      this.#pending = null;
      this.#groupBytes = 0;
      await this.#options.confirm(this, durable);
    };
    const { signal } = this.#abandoned;
    try {
      await commitCheckpoint({ session, store, shard, checkpoint, confirm, signal });
    } catch (error) {
      this.#failed(error);
      throw error;
    }
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = null;
  }

  async #nextPush(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** A range of keys without rows is work too: a mirror takes away what it has there. */
function hasWork({ rows, schemaChanges, chunk }: Batch): boolean {
  return rows > 0 || schemaChanges.length > 0 || chunk?.range != null;
}
