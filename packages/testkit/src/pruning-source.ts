import {
  BatchBuilder,
  tableName,
  type Batch,
  type CheckResult,
  type Checkpoint,
  type Clock,
  type Position,
  type Source,
  type SourceSession,
  type Table,
} from '@weir/sdk';
import { FaultScript } from './fault-script.ts';
import { boundaryOf, copyOf, epochOf, stateOf, transactionOf, type PruningState } from './pruning-position.ts';
import { PruningSession, readRow, type ReadingOptions } from './pruning-session.ts';
import { spoiled } from './spoiled-batch.ts';

export interface PruningSourceOptions extends ReadingOptions {
  readonly clock: Clock;
  /** Its operations are `source.open`, `source.pull`, `source.confirm` and `source.dispose`. */
  readonly script?: FaultScript;
  /** Begins anew, with a copy of everything, where what follows a checkpoint is deleted. */
  readonly resnapshot?: boolean;
  /** A position counts as lost although its log is there: as when the address names another server for a while. */
  readonly isElsewhere?: () => boolean;
}

/** What became of the batches that a source has handed out; those of all its sessions. */
export interface BatchLedger {
  handedOut: number;
  released: number;
  /** Calls of `release` beyond the first of a batch. */
  releasedAgain: number;
  /** Bytes of the batches handed out and not released. */
  heldBytes: number;
}

/**
 * A source over a {@link PrunedLog}: it deletes what was confirmed, so that starting below it fails. Large transactions are
 * split over batches. A copy that did not end is made again, of the tables that were not done, as a new copy in another
 * order. A batch that is released is filled with rubbish, so that whoever reads it later shows.
 */
export class PruningSource implements Source {
  readonly ledger: BatchLedger = { handedOut: 0, released: 0, releasedAgain: 0, heldBytes: 0 };
  readonly #options: PruningSourceOptions;
  readonly #script: FaultScript;

  constructor(options: PruningSourceOptions) {
    this.#options = options;
    this.#script = options.script ?? new FaultScript(options.clock);
  }

  /** @throws WeirError WEIR_PG_SLOT_IN_USE; WEIR_PG_SLOT_ADVANCED when what follows `from` is deleted (invariant 6) */
  async open(from: Checkpoint | null, signal: AbortSignal, reach: Position | null = null): Promise<SourceSession> {
    signal.throwIfAborted();
    const { log } = this.#options;
    let session: PruningSession | null = null;
    try {
      return await this.#script.perform('source.open', async () => {
        const { state, start, isAnew } = this.#startAt(from, reach);
        const handOut = (batch: Batch): Batch => this.#handOut(batch);
        session = new PruningSession({ ...this.#options, start, state, isAnew, script: this.#script, handOut });
        log.attach(session);
        // What a source is opened with is durable in every sink: as good as a confirm.
        if (!isAnew) log.forget(start);
        return session;
      });
    } catch (error) {
      if (session !== null) log.detach(session);
      throw error;
    }
  }

  async head(): Promise<Position> {
    return boundaryOf(this.#options.log.head);
  }

  async discover(): Promise<Table[]> {
    const { log, tables } = this.#options;
    const read = tables === undefined ? null : new Set(tables.map(tableName));
    return log.tables.filter((table) => read?.has(tableName(table)) ?? true);
  }

  async check(): Promise<CheckResult[]> {
    return [{ code: 'OK', level: 'ok', message: 'in memory' }];
  }

  async *scan(table: Table): AsyncGenerator<Batch> {
    const builder = new BatchBuilder().begin({ position: await this.head(), version: 0n, time: 0, transactionId: '' });
    for (const row of this.#options.log.rows(table)) builder.read(table, readRow(table, row));
    yield this.#handOut(builder.build(null));
  }

  #startAt(from: Checkpoint | null, reach: Position | null): { state: PruningState; start: number; isAnew: boolean } {
    const { log, copies = false, resnapshot = false, isElsewhere = () => false } = this.#options;
    const reached = reach === null ? 0 : epochOf(reach);
    const nothing = { copies: 0, copied: copies ? {} : this.#streamedTables(), epoch: reached };
    const state = from === null ? nothing : stateOf(from);
    const start = from === null ? (copies ? log.head : 0) : transactionOf(from.position);
    const isLost = start < log.forgotten;
    // A sink that has begun anew would take what this checkpoint leads to for replays.
    if (resnapshot && from !== null && (isLost || reached > state.epoch || isElsewhere())) {
      const epoch = Math.max(reached, state.epoch) + 1;
      return { state: { ...state, copied: {}, epoch }, start: log.head, isAnew: true };
    }
    if (isLost) log.transaction(start + 1);
    // Beyond what any sink has of a copy, so that none takes a chunk of this one for its own.
    const begun = reach === null ? 0 : copyOf(reach);
    return { state: begun > state.copies ? { ...state, copies: begun } : state, start, isAnew: false };
  }

  #streamedTables(): Record<string, number> {
    return Object.fromEntries(this.#options.log.tables.map((table) => [tableName(table), 0]));
  }

  #handOut(batch: Batch): Batch {
    const { ledger } = this;
    let released = false;
    ledger.handedOut++;
    ledger.heldBytes += batch.bytes;
    const release = (): void => {
      if (released) {
        ledger.releasedAgain++;
        return;
      }
      released = true;
      ledger.released++;
      ledger.heldBytes -= batch.bytes;
      spoiled(batch).release();
    };
    return { ...batch, release };
  }
}
