import {
  WeirError,
  crashPoint,
  earliestCheckpoint,
  furthestPosition,
  type Batch,
  type Checkpoint,
  type Position,
  type SourceSession,
  type SourceStatus,
} from '@weir/sdk';
import { abortable } from './abortable.ts';
import { ByteBudget } from './byte-budget.ts';
import { CommitOrder } from './commit-order.ts';
import { isCopy } from './copy.ts';
import type { CopyOrder } from './copy-orders.ts';
import type { LaneRecord } from './lane-record.ts';
import { Lane } from './lane.ts';
import { openSinks, type OpenSink } from './open-sinks.ts';
import type { PipelineOptions } from './pipeline-options.ts';
import { SessionStack } from './session-stack.ts';
import { SharedBatch, heldBytes } from './shared-batch.ts';

/** Why nothing more is read after `stop`; no failure. */
export const stopReason: Error = new Error('the pipeline is stopping');

/** Batches that a lane holds while its sink is at work on another. */
const LANE_AHEAD = 2;
/** How often it is asked whether a copy is done, in ms. */
const COPY_POLL_MS = 200;

export interface AttemptEvents {
  /** Source and sinks are open. */
  opened(from: Checkpoint | null): void;
  /** All sinks together are further than before: the slowest of them has committed. */
  progressed(): void;
}

/**
 * One run of a pipeline from its sinks' checkpoints until it is done or something fails. Whatever fails ends all of it:
 * the next attempt opens everything again and asks the sinks where they are, so no state of an error survives.
 */
export class Attempt {
  readonly #options: PipelineOptions;
  readonly #records: ReadonlyMap<string, LaneRecord>;
  readonly #events: AttemptEvents;
  readonly #budget: ByteBudget;
  /** Aborted when everything has to end at once. */
  readonly #hard = new AbortController();
  /** Aborted when no more is to be read. */
  readonly #pull = new AbortController();
  /** Aborted when `run` has ended. */
  readonly #over = new AbortController();
  #session: SourceSession | null = null;
  #finishAt: Position | null = null;
  #lanes: Lane[] = [];
  readonly #committed = new Map<Lane, Checkpoint | null>();
  readonly #ahead = new CommitOrder<Lane>(({ keepsHistory }) => keepsHistory);
  #confirmed: Position | null = null;
  /** The last checkpoint that came from the source. */
  #read: Position | null = null;
  #startsOver = false;
  #openedAt: number | null = null;
  #wanted: (() => void) | null = null;

  constructor(options: PipelineOptions, records: ReadonlyMap<string, LaneRecord>, events: AttemptEvents) {
    this.#options = options;
    this.#records = records;
    this.#events = events;
    this.#budget = new ByteBudget(options.bufferBytes);
  }

  get bufferedBytes(): number {
    return this.#budget.used;
  }

  /** How long it has run, or ran, without a row being lost on the way, in ms; 0 when it was not open. */
  get quietMs(): number {
    return this.#openedAt === null ? 0 : this.#options.clock.now() - this.#openedAt;
  }

  sourceStatus(): SourceStatus {
    return this.#session?.status() ?? { phase: 'connecting', snapshot: [], lagBytes: null };
  }

  /** Reads no more; what was read is delivered as far as a checkpoint allows. */
  stop(): void {
    this.#pull.abort(stopReason);
  }

  /** Ends everything at once with `error`. */
  abort(error: unknown): void {
    this.#hard.abort(error);
    this.#pull.abort(error);
  }

  finishAt(position: Position): void {
    this.#finishAt = position;
    this.#session?.finishAt(position);
  }

  /** Ended, or about to: nothing more can be asked of it. */
  get isOver(): boolean {
    return this.#over.signal.aborted || this.#hard.signal.aborted || this.#pull.signal.aborted;
  }

  /** Whether the source can copy tables once more; null while it is not open. */
  get copiesAgain(): boolean | null {
    return this.#session === null ? null : this.#session.copyAgain !== undefined;
  }

  /** Sinks that cannot say which rows they have in a range of keys. */
  get sinksWithoutRanges(): string[] {
    return this.#lanes.filter(({ canCompare }) => !canCompare).map(({ sink }) => sink);
  }

  /**
   * Has tables copied once more, and waits until every sink holds them. A copy that the checkpoint knows of goes on.
   * @throws WeirError the source's refusal, or what ended the attempt
   */
  async copyAgain(order: CopyOrder): Promise<void> {
    const session = this.#session!;
    const signal = AbortSignal.any([this.#hard.signal, this.#over.signal]);
    const underway = session.status().snapshot.filter(({ done }) => !done).map(({ table }) => table);
    const goesOn = order.tables.every((table) => underway.includes(table));
    if (!goesOn) await abortable(session.copyAgain!(order.tables, order.how), signal);
    order.begins();
    const { clock } = this.#options;
    do await clock.sleep(COPY_POLL_MS, signal);
    while (session.status().phase !== 'stream');
    // All of the copy has come by now, so it lies before what comes next.
    const reach = this.#read;
    const isThere = ({ record: { checkpoint } }: Lane): boolean => reach === null || (checkpoint !== null && checkpoint >= reach);
    while (!this.#lanes.every(isThere)) await clock.sleep(COPY_POLL_MS, signal);
  }

  /** Resolves when the source has ended or `stop` has drained. Throws the first failure. */
  async run(): Promise<void> {
    await using sessions = new SessionStack(this.#options);
    const sinks = await openSinks({
      ...this.#options,
      records: this.#records,
      sessions,
      ending: this.#hard.signal,
      stopping: this.#pull.signal,
    });
    // A sink that starts empty needs a copy, and a copy is made for all: a source reads from one place.
    const checkpoints = sinks.map((sink) => sink.recovered);
    const from = earliestCheckpoint(checkpoints);
    this.#confirmed = from?.position ?? null;
    this.#startsOver = from === null;
    const session = await this.#openSource(from, furthestPosition(checkpoints), sessions);
    this.#lanes = sinks.map((sink) => this.#lane(sink));
    this.#openedAt = this.#options.clock.now();
    this.#events.opened(from);
    try {
      const work = [this.#pump(session), ...this.#lanes.map(async (lane) => await lane.run(this.#hard.signal))];
      for (const part of work) part.catch((error: unknown) => this.abort(error));
      await abortable(Promise.all(work), this.#hard.signal);
    } finally {
      if (this.#lanes.some((lane) => lane.record.rows.inFlight > 0)) this.#openedAt = null;
      for (const lane of this.#lanes) lane.abandon();
      this.#over.abort(stopReason);
    }
  }

  async #openSource(from: Checkpoint | null, reach: Position | null, sessions: SessionStack): Promise<SourceSession> {
    this.#pull.signal.throwIfAborted();
    const session = await sessions.add(this.#options.source.open(from, this.#pull.signal, reach), this.#pull.signal);
    this.#session = session;
    if (this.#finishAt !== null) session.finishAt(this.#finishAt);
    return session;
  }

  #lane(sink: OpenSink): Lane {
    const lane = new Lane({
      session: sink.session,
      store: this.#options.store,
      shard: sink.shard,
      policies: this.#options.sinkOptions.get(sink.name)!,
      clock: this.#options.clock,
      log: this.#options.log,
      holds: sink.recovered?.position ?? null,
      record: this.#records.get(sink.name)!,
      taken: () => this.#wanted?.(),
      turn: async (at, { position }) => await abortable(this.#ahead.turn(at, position), this.#hard.signal),
      confirm: async (from, checkpoint) => await this.#confirm(from, checkpoint),
    });
    this.#committed.set(lane, sink.recovered);
    if (sink.recovered !== null && sink.recovered.position !== this.#confirmed) this.#ahead.add(lane, sink.recovered.position);
    return lane;
  }

  /** Tells the source what every lane has made durable (invariant 1). */
  async #confirm(lane: Lane, checkpoint: Checkpoint): Promise<void> {
    this.#committed.set(lane, checkpoint);
    this.#ahead.committed(lane);
    const all = earliestCheckpoint(this.#committed.values());
    if (all === null || (this.#confirmed !== null && all.position <= this.#confirmed)) return;
    this.#confirmed = all.position;
    this.#events.progressed();
    await this.#session!.confirm(all);
  }

  /** The one loop: source → transforms → every lane. */
  async #pump(session: SourceSession): Promise<void> {
    let copying = false;
    try {
      for await (const batch of session.batches(this.#pull.signal)) {
        if (batch.checkpoint !== null) this.#read = batch.checkpoint.position;
        // Lanes enter a copy and leave it together: behind it, one made again for one would skip changes that another needs.
        if (copying !== isCopy(batch)) await this.#allSettled(this.#lanes);
        await this.#acquire(batch);
        const shared = await this.#transform(batch);
        if (isCopy(batch)) await (copying ? this.#goOnCopying(shared) : this.#beginCopy(shared));
        else for (const lane of this.#lanes) lane.push(shared);
        copying = isCopy(batch);
        await this.#demand();
      }
    } catch (error) {
      if (this.#hard.signal.aborted || !this.#pull.signal.aborted) throw error;
    }
    crashPoint('engine.draining');
    for (const lane of this.#lanes) lane.end();
  }

  /** Waits for room, and gives a batch back that nobody is going to see since there is to be no more. */
  async #acquire(batch: Batch): Promise<void> {
    try {
      await this.#budget.acquire(heldBytes(batch), this.#pull.signal);
    } catch (error) {
      batch.release();
      throw error;
    }
  }

  async #transform(batch: Batch): Promise<SharedBatch> {
    const origin = { source: batch, made: 0, filtered: 0 };
    let current = batch;
    for (const transform of this.#options.transforms ?? []) {
      const result = await transform.apply(current);
      if (result.rejected.length > 0) {
        const [first] = result.rejected;
        throw new WeirError('WEIR_TRANSFORM_REJECTED', `transform ${transform.name} rejected a row: ${first!.message}`);
      }
      current = result.batch;
      origin.made += result.made;
      origin.filtered += result.filtered;
    }
    return new SharedBatch(current, origin, this.#budget, this.#lanes.length);
  }

  /**
   * The first batch of a copy goes to the sinks that the source was opened for last, when all others have committed it: as
   * long as one of them has not, the next attempt finds the same earliest checkpoint and begins the same copy again. The
   * other way round it would go on from a sink whose tables are copied already, and the copy that another has begun, and
   * emptied its tables for, would never be made.
   */
  async #beginCopy(shared: SharedBatch): Promise<void> {
    if (this.#startsOver) for (const lane of this.#lanes) lane.startOver();
    const from = earliestCheckpoint(this.#committed.values())?.position;
    const last = this.#lanes.filter((lane) => this.#committed.get(lane)?.position === from);
    const first = this.#lanes.filter((lane) => !last.includes(lane));
    // What starts tables empty is told to those that are ahead first; a part of a copy that goes on, to histories last.
    const goesOn = shared.batch.chunk !== null && shared.batch.schemaChanges.length === 0;
    const [mirrors, histories] = historiesLast(first);
    await this.#inTurn(goesOn ? [mirrors, ...historiesLast(last), histories] : [first, ...historiesLast(last)], shared);
  }

  /**
   * A sink that keeps its own place in the stream takes each batch of a copy before those that the next attempt would start
   * from: what their checkpoint calls copied, every other sink has.
   */
  async #goOnCopying(shared: SharedBatch): Promise<void> {
    const { checkpoint } = shared.batch;
    const first = this.#lanes.filter((lane) => checkpoint !== null && lane.keepsPlaceAt(checkpoint));
    const last = this.#lanes.filter((lane) => !first.includes(lane));
    await this.#inTurn([first, ...historiesLast(last)], shared);
  }

  /** Hands a batch to some lanes, and to the next ones when those have committed it. */
  async #inTurn(groups: readonly (readonly Lane[])[], shared: SharedBatch): Promise<void> {
    let before: readonly Lane[] = [];
    for (const lanes of groups.filter(({ length }) => length > 0)) {
      await this.#allSettled(before);
      for (const lane of lanes) lane.push(shared);
      before = lanes;
    }
  }

  /**
   * Waits until some lane is about to run dry. Meanwhile the source gathers what comes into one batch, so that a sink
   * that is busy is given few large batches instead of many small ones.
   */
  async #demand(): Promise<void> {
    while (this.#lanes.every((lane) => lane.queued >= LANE_AHEAD)) {
      const taken = new Promise<void>((resolve) => {
        this.#wanted = resolve;
      });
      await abortable(taken, this.#pull.signal);
    }
  }

  async #allSettled(lanes: readonly Lane[]): Promise<void> {
    await abortable(Promise.all(lanes.map(async (lane) => await lane.settled())), this.#hard.signal);
  }
}

/**
 * A part of a copy that is read again takes the place of what a mirror has of it; in a history it would stand twice, and what
 * changed between the two would be left out. So a history is never ahead of the others in a copy.
 */
function historiesLast(lanes: readonly Lane[]): [mirrors: Lane[], histories: Lane[]] {
  return [lanes.filter(({ keepsHistory }) => !keepsHistory), lanes.filter(({ keepsHistory }) => keepsHistory)];
}
