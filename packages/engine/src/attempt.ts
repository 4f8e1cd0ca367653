import {
  WeirError,
  crashPoint,
  earliestCheckpoint,
  type Batch,
  type Checkpoint,
  type Position,
  type Shard,
  type SinkSession,
  type SourceSession,
  type SourceStatus,
} from '@weir/sdk';
import { abortable } from './abortable.ts';
import { ByteBudget } from './byte-budget.ts';
import { recoverCheckpoint } from './commit.ts';
import type { LaneRecord } from './lane-record.ts';
import { Lane } from './lane.ts';
import type { PipelineOptions } from './pipeline.ts';
import { SharedBatch } from './shared-batch.ts';

/** Why nothing more is read after `stop`; no failure. */
export const stopReason: Error = new Error('the pipeline is stopping');

/** How long a session may take to let go, in ms; a hanging server must not hold up a restart. */
const DISPOSE_MS = 10_000;

/** Batches that a lane holds while its sink is at work on another. */
const LANE_AHEAD = 2;

export interface AttemptEvents {
  /** Source and sinks are open. */
  opened(from: Checkpoint | null): void;
  /** A sink has committed. */
  progressed(): void;
}

interface OpenSink {
  readonly name: string;
  readonly shard: Shard;
  readonly session: SinkSession;
  readonly recovered: Checkpoint | null;
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
  #session: SourceSession | null = null;
  #finishAt: Position | null = null;
  #lanes: Lane[] = [];
  readonly #committed = new Map<Lane, Checkpoint | null>();
  #confirmed: Position | null = null;
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

  /** Resolves when the source has ended or `stop` has drained. Throws the first failure. */
  async run(): Promise<void> {
    await using sessions = new AsyncDisposableStack();
    const sinks = await this.#openSinks(sessions);
    // A sink that starts empty needs a copy, and a copy is made for all: a source reads from one place.
    const from = earliestCheckpoint(sinks.map((sink) => sink.recovered));
    const session = await this.#openSource(from, sessions);
    this.#lanes = sinks.map((sink) => this.#lane(sink, from === null ? null : sink.recovered));
    this.#events.opened(from);
    try {
      const work = [this.#pump(session), ...this.#lanes.map(async (lane) => await lane.run(this.#hard.signal))];
      for (const part of work) part.catch((error: unknown) => this.abort(error));
      await abortable(Promise.all(work), this.#hard.signal);
    } finally {
      for (const lane of this.#lanes) lane.abandon();
    }
  }

  async #openSinks(sessions: AsyncDisposableStack): Promise<OpenSink[]> {
    const open: OpenSink[] = [];
    for (const [name, sink] of this.#options.sinks) {
      const shard = { pipeline: this.#options.name, sink: name, shard: 0 };
      const session = await abortable(sink.open(shard, this.#hard.signal), this.#pull.signal);
      this.#disposeLater(sessions, session);
      const recovered = await abortable(recoverCheckpoint(session, this.#options.store, shard), this.#pull.signal);
      this.#records.get(name)!.checkpoint = recovered?.position ?? null;
      open.push({ name, shard, session, recovered });
    }
    return open;
  }

  async #openSource(from: Checkpoint | null, sessions: AsyncDisposableStack): Promise<SourceSession> {
    const session = await this.#options.source.open(from, this.#pull.signal);
    this.#disposeLater(sessions, session);
    this.#session = session;
    if (this.#finishAt !== null) session.finishAt(this.#finishAt);
    return session;
  }

  #disposeLater(sessions: AsyncDisposableStack, session: AsyncDisposable): void {
    sessions.defer(async () => {
      const { clock, log } = this.#options;
      const timeout = new AbortController();
      const late = clock.sleep(DISPOSE_MS, timeout.signal).then(
        () => log.warn({ pipeline: this.#options.name }, 'a connection did not close in time and was left behind'),
        () => {},
      );
      const closing = Promise.resolve(session[Symbol.asyncDispose]()).catch((error: unknown) => {
        log.warn({ pipeline: this.#options.name, error: String(error) }, 'a connection did not close cleanly');
      });
      await Promise.race([closing, late]);
      timeout.abort();
    });
  }

  #lane(sink: OpenSink, holds: Checkpoint | null): Lane {
    const lane = new Lane({
      session: sink.session,
      store: this.#options.store,
      shard: sink.shard,
      clock: this.#options.clock,
      holds: holds?.position ?? null,
      record: this.#records.get(sink.name)!,
      taken: () => this.#wanted?.(),
      confirm: async (from, checkpoint) => await this.#confirm(from, checkpoint),
    });
    this.#committed.set(lane, holds);
    return lane;
  }

  /** Tells the source what every lane has made durable (invariant 1). */
  async #confirm(lane: Lane, checkpoint: Checkpoint): Promise<void> {
    this.#committed.set(lane, checkpoint);
    this.#events.progressed();
    const all = earliestCheckpoint(this.#committed.values());
    if (all === null || (this.#confirmed !== null && all.position <= this.#confirmed)) return;
    this.#confirmed = all.position;
    await this.#session!.confirm(all);
  }

  /** The one loop: source → transforms → every lane. */
  async #pump(session: SourceSession): Promise<void> {
    let copying = false;
    try {
      for await (const batch of session.batches(this.#pull.signal)) {
        // Lanes leave a snapshot together: behind it, a copy made again for one would skip changes that another needs.
        if (copying && batch.chunk === null) await this.#allSettled();
        copying = batch.chunk !== null;
        await this.#budget.acquire(batch.bytes, this.#pull.signal);
        await this.#deliver(batch);
        await this.#demand();
      }
    } catch (error) {
      if (this.#hard.signal.aborted || !this.#pull.signal.aborted) throw error;
    }
    crashPoint('engine.draining');
    for (const lane of this.#lanes) lane.end();
  }

  async #deliver(batch: Batch): Promise<void> {
    const changes = { made: 0, filtered: 0 };
    let current = batch;
    for (const transform of this.#options.transforms ?? []) {
      const result = await transform.apply(current);
      if (result.rejected.length > 0) {
        const [first] = result.rejected;
        throw new WeirError('WEIR_TRANSFORM_REJECTED', `transform ${transform.name} rejected a row: ${first!.message}`);
      }
      current = result.batch;
      changes.made += result.made;
      changes.filtered += result.filtered;
    }
    const shared = new SharedBatch(current, this.#budget, this.#lanes.length, changes);
    for (const lane of this.#lanes) lane.push(shared);
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

  async #allSettled(): Promise<void> {
    await abortable(Promise.all(this.#lanes.map(async (lane) => await lane.settled())), this.#hard.signal);
  }
}
