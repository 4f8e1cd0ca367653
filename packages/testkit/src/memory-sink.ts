import {
  BatchBuilder,
  WeirError,
  type Batch,
  type CheckResult,
  type Checkpoint,
  type Json,
  type Shard,
  type Sink,
  type SinkSession,
  type Table,
} from '@weir/sdk';
import type { MemoryTarget } from './memory-target.ts';
import { readRow } from './pruning-session.ts';
import { seeBatch, type SeenBatch } from './seen-batch.ts';

/** A sink of any class over a {@link MemoryTarget}: a strict mirror, except for `at-least-once`, which appends. */
export class MemorySink implements Sink {
  readonly #target: MemoryTarget;
  readonly #mode: SinkSession['mode'];

  constructor(target: MemoryTarget, mode: SinkSession['mode'] = 'transactional') {
    this.#target = target;
    this.#mode = mode;
  }

  /** One shard only: the target has one checkpoint. */
  async open(_shard: Shard, signal: AbortSignal): Promise<SinkSession> {
    signal.throwIfAborted();
    const session = new MemorySession(this.#target, this.#mode);
    const write = async (batch: Batch): Promise<void> => await session.write(batch);
    const recover = async (): Promise<Checkpoint | null> => session.recover();
    const dispose = { [Symbol.asyncDispose]: async (): Promise<void> => session.close() };
    switch (this.#mode) {
      case 'transactional':
        return { mode: this.#mode, write, recover, commit: async (checkpoint) => session.commit(checkpoint), ...dispose };
      case 'staged': {
        const stage = async (checkpoint: Checkpoint): Promise<Json> => session.stage(checkpoint);
        return { mode: this.#mode, write, recover, stage, apply: async (staged) => session.apply(staged), ...dispose };
      }
      case 'idempotent':
      case 'at-least-once':
        return { mode: this.#mode, write, flush: async () => session.flush(), ...dispose };
    }
  }

  async check(): Promise<CheckResult[]> {
    return [{ code: 'OK', level: 'ok', message: 'in memory' }];
  }

  async *scan(table: Table): AsyncGenerator<Batch> {
    const builder = new BatchBuilder().begin({ position: '', version: 0n, time: 0, transactionId: '' });
    for (const row of this.#target.rows(table)) builder.read(table, readRow(table, row));
    yield builder.build(null);
  }
}

/** What all modes have in common. The fence is taken by opening, before anything is read (invariant 5). */
class MemorySession {
  readonly #target: MemoryTarget;
  readonly #mode: SinkSession['mode'];
  readonly #fence: number;
  #pending: SeenBatch[] = [];
  #closed = false;

  constructor(target: MemoryTarget, mode: SinkSession['mode']) {
    this.#target = target;
    this.#mode = mode;
    this.#fence = target.takeFence();
  }

  async write(batch: Batch): Promise<void> {
    this.#assertOpen();
    // The batch is read late, while `write` has not resolved yet, as a real sink reads it.
    await Promise.resolve();
    const seen = seeBatch(batch);
    // Sinks without transactions send some rows early and the rest when they are flushed.
    if (this.#mode === 'idempotent' || this.#mode === 'at-least-once') this.flush();
    this.#pending.push(seen);
  }

  recover(): Checkpoint | null {
    this.#assertOpen();
    return this.#target.checkpoint;
  }

  /** Not refused after `close`: a real server may carry out what was sent before. The fence decides (invariant 5). */
  commit(checkpoint: Checkpoint): void {
    this.#target.commit(this.#fence, this.#pending.splice(0), checkpoint);
  }

  stage(checkpoint: Checkpoint): number {
    return this.#target.stage(this.#fence, this.#pending.splice(0), checkpoint);
  }

  apply(staged: Json): void {
    this.#target.apply(this.#fence, Number(staged));
  }

  flush(): void {
    for (const batch of this.#pending.splice(0)) {
      if (this.#mode === 'idempotent') this.#target.upsert(this.#fence, batch);
      else this.#target.appended.push(...batch.rows);
    }
  }

  close(): void {
    this.#closed = true;
  }

  #assertOpen(): void {
    if (this.#closed) throw new WeirError('WEIR_SDK_USE', 'the session is closed');
  }
}
