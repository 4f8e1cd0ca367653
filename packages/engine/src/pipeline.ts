import { WeirError, toWeirError, type CopyAgain, type Position } from '@weir/sdk';
import { Attempt, stopReason } from './attempt.ts';
import { CopyOrders, type CopyOrder, type OrderedCopy } from './copy-orders.ts';
import { LaneRecord } from './lane-record.ts';
import { completeOptions, type PipelineOptions, type PipelineSettings } from './pipeline-options.ts';
import { RetryBudget, defaultRetry } from './retry.ts';
import type { PipelineFailure, PipelineState, PipelineStatus } from './status.ts';

/** One source and its sinks: runs, retries, drains and tells how it is. */
export class Pipeline implements AsyncDisposable {
  readonly #options: PipelineOptions;
  readonly #records: ReadonlyMap<string, LaneRecord>;
  readonly #retry: RetryBudget;
  readonly #stopping = new AbortController();
  readonly #ended = new AbortController();
  readonly #copies = new CopyOrders();
  #attempt: Attempt;
  #state: PipelineState = 'starting';
  #failure: PipelineFailure | null = null;
  #finishAt: Position | null = null;
  #running: Promise<void> | null = null;

  constructor(settings: PipelineSettings) {
    const options = completeOptions(settings);
    this.#options = options;
    this.#records = new Map(Array.from(options.sinks.keys(), (name) => [name, new LaneRecord()]));
    this.#retry = new RetryBudget(options.retry ?? defaultRetry, options.clock);
    this.#attempt = this.#newAttempt();
  }

  /** Runs until `stop`, `finishAt` or an error that retrying cannot mend. @throws WeirError */
  async run(): Promise<void> {
    this.#running ??= this.#run();
    await this.#running;
  }

  /** Stops and waits until what was read is delivered; an error that ends the run is `run`'s to throw. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#running === null) return;
    this.stop();
    await this.#running.catch(() => {});
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopping.signal.aborted) {
        const failure = await this.#runAttempt();
        if (failure === null) break;
        await this.#recoverFrom(failure);
        this.#attempt = this.#newAttempt();
      }
      this.#checkBalance();
      this.#state = 'stopped';
    } catch (error) {
      this.#state = 'failed';
      this.#note(toWeirError(error));
      throw error;
    } finally {
      this.#ended.abort();
      this.#copies.close();
    }
  }

  /** Stops pulling, commits what can be committed, confirms, and lets `run` resolve. */
  stop(): void {
    if (this.#stopping.signal.aborted || this.#ended.signal.aborted) return;
    this.#state = 'draining';
    this.#stopping.abort();
    this.#attempt.stop();
    void this.#limitDrain(this.#attempt);
  }

  /** Delivers everything up to `position`, then lets `run` resolve. May be called before or during `run`. */
  finishAt(position: Position): void {
    this.#finishAt = position;
    this.#attempt.finishAt(position);
  }

  /**
   * Copies tables once more while the stream goes on; see `SourceSession.copyAgain`. Resolves when the copy has begun.
   * Where an attempt fails meanwhile the next one goes on with it.
   * @throws WeirError WEIR_NOT_RUNNING, WEIR_COPY_UNSUPPORTED, or the source's refusal
   */
  async copyAgain(tables: readonly string[], how: CopyAgain): Promise<OrderedCopy> {
    const { name } = this.#options;
    if (this.#state !== 'running') {
      const why = this.#failure === null ? '' : `: ${this.#failure.code}: ${this.#failure.message}`;
      const fix = this.#failure?.fix ?? 'Ask again when `weir status` says that it is running.';
      throw new WeirError('WEIR_NOT_RUNNING', `pipeline ${name} is ${this.#state}${why}`, { fix });
    }
    if (this.#attempt.copiesAgain !== true) {
      throw new WeirError('WEIR_COPY_UNSUPPORTED', `the source of ${name} cannot copy tables once more`);
    }
    if (how !== 'anew') this.#expectMirrors();
    const order = this.#copies.add(tables, how);
    if (how === 'repair') for (const record of this.#records.values()) record.startRepair(tables);
    void this.#carryOut(order, this.#attempt);
    await order.begun;
    return { done: order.done };
  }

  /** What is read over what a mirror has takes its place. In a history changes would be left out: those the reading saw. */
  #expectMirrors(): void {
    const [sink] = this.#attempt.sinksWithoutRanges;
    if (sink === undefined) return;
    throw new WeirError('WEIR_COPY_UNSUPPORTED', `${sink} keeps no mirror, so rows cannot be read over those that it has`, {
      fix: 'Start the tables over with `weir resync`: a history has a row that says so.',
    });
  }

  /** An attempt that fails leaves its copies to the next; what the source itself refuses is the answer. */
  async #carryOut(order: CopyOrder, attempt: Attempt): Promise<void> {
    try {
      await attempt.copyAgain(order);
      this.#copies.done(order);
    } catch (error) {
      if (attempt.isOver || toWeirError(error).code === 'WEIR_NOT_RUNNING') return;
      this.#copies.refused(order, error);
    }
  }

  status(): PipelineStatus {
    const now = this.#options.clock.now();
    const source = this.#attempt.sourceStatus();
    const streaming = source.phase === 'stream';
    return {
      name: this.#options.name,
      state: this.#state,
      source,
      sinks: Object.fromEntries(Array.from(this.#records, ([name, record]) => [name, record.status(now, streaming)])),
      bufferedBytes: this.#attempt.bufferedBytes,
      bufferBytes: this.#options.bufferBytes,
      attempt: this.#retry.attempt,
      failure: this.#failure,
    };
  }

  /** The failure that ended the attempt; null when it ended as asked. */
  async #runAttempt(): Promise<WeirError | null> {
    try {
      await this.#attempt.run();
      return null;
    } catch (error) {
      return error === stopReason ? null : toWeirError(error);
    }
  }

  #newAttempt(): Attempt {
    const attempt = new Attempt(this.#options, this.#records, {
      opened: (from) => {
        if (this.#state !== 'draining') this.#state = 'running';
        this.#failure = null;
        this.#retry.opened();
        this.#options.log.info({ pipeline: this.#options.name, from: from?.position ?? null }, 'pipeline opened');
        for (const order of this.#copies.open) void this.#carryOut(order, attempt);
      },
      progressed: () => this.#retry.progressed(),
    });
    if (this.#finishAt !== null) attempt.finishAt(this.#finishAt);
    return attempt;
  }

  /** Waits before the next attempt, or throws when there is to be none. */
  async #recoverFrom(error: WeirError): Promise<void> {
    const { log, clock, name } = this.#options;
    this.#checkBalance();
    this.#note(error);
    if (this.#stopping.signal.aborted && error.code !== 'WEIR_SHUTDOWN_TIMEOUT') {
      log.warn({ pipeline: name, code: error.code }, `the drain was cut short: ${error.message}`);
      return;
    }
    this.#retry.ranQuietly(this.#attempt.quietMs);
    const stopped = this.#stoppedTable(error);
    const delay = stopped === null ? this.#retry.delayAfter(error) : this.#delayWithout(stopped);
    if (delay === null) throw this.#final(error);
    this.#state = 'retrying';
    const retry = { attempt: this.#retry.attempt, retryInMs: Math.round(delay) };
    const fields = { pipeline: name, ...stopped?.fields, code: error.code, ...retry, fix: error.fix };
    log.warn(fields, stopped === null ? error.message : `${stopped.fields.table} is stopped at this sink: ${error.message}`);
    if (delay > 0) await clock.sleep(delay, this.#stopping.signal).catch(() => {});
  }

  /** The table that goes without this sink from the next attempt on; null when the failure is about more than one table. */
  #stoppedTable(error: WeirError): { fields: { sink: string; table: string }; times: number } | null {
    for (const [sink, { stops }] of this.#records) {
      const stopped = stops.stoppedBy(error);
      if (stopped !== null) return { fields: { sink, table: stopped.name }, times: stopped.times };
    }
    return null;
  }

  /** Nothing is tried again that failed, so there is nothing to wait for, unless the same table failed before. */
  #delayWithout({ times }: { times: number }): number | null {
    return times === 1 ? 0 : this.#retry.nextDelay();
  }

  #note({ code, message, fix }: WeirError): void {
    this.#failure = { code, message, fix, at: this.#options.clock.now() };
  }

  #final(error: WeirError): WeirError {
    if (!this.#retry.mayPass(error)) return error;
    const minutes = Math.round(this.#retry.failingForMs / 6000) / 10;
    const tried = `gave up after ${this.#retry.attempt - 1} attempts in ${minutes} minutes; the last: ${error.code}: ${error.message}`;
    return new WeirError('WEIR_RETRY_BUDGET', tried, { fix: error.fix, cause: error });
  }

  /** Every row that came in is accounted for, or something is wrong enough to stop (invariant 7). */
  #checkBalance(): void {
    for (const [sink, record] of this.#records) record.checkBalance(sink);
  }

  async #limitDrain(attempt: Attempt): Promise<void> {
    const { clock, shutdownTimeoutMs } = this.#options;
    const cut = await clock.sleep(shutdownTimeoutMs, this.#ended.signal).then(
      () => true,
      () => false,
    );
    if (!cut) return;
    attempt.abort(new WeirError('WEIR_SHUTDOWN_TIMEOUT', `not drained within ${shutdownTimeoutMs} ms`));
  }
}
