import type { Checkpoint, Json, Shard, SinkBase, SinkSession } from '@weir/sdk';

interface Stored {
  readonly checkpoint: Checkpoint;
  /** As JSON text, since a store keeps it no other way; null where nothing is staged. */
  readonly staged: string | null;
}

/** What the runner's store keeps of a sink: for class B what is staged, for C and D the checkpoint (invariant 4). */
export class CheckpointStore {
  readonly #stored = new Map<string, Stored>();

  save(shard: Shard, checkpoint: Checkpoint, staged?: Json): void {
    this.#stored.set(JSON.stringify(shard), { checkpoint, staged: staged === undefined ? null : JSON.stringify(staged) });
  }

  checkpoint(shard: Shard): Checkpoint | null {
    return this.#stored.get(JSON.stringify(shard))?.checkpoint ?? null;
  }

  /** What was staged last, as it comes back from a store; undefined when nothing was. */
  staged(shard: Shard): Json | undefined {
    const text = this.#stored.get(JSON.stringify(shard))?.staged ?? null;
    return text === null ? undefined : (JSON.parse(text) as Json);
  }
}

/**
 * A session of any class, with the two calls that the engine makes of what the class has: `commit` is commit, or stage and
 * apply, or flush; `recover` is the sink's own checkpoint, or the store's. So cases about rows are the same for every class.
 */
export class DrivenSession implements AsyncDisposable {
  /** As the sink made it, for the cases of one class. */
  readonly inner: SinkSession;
  readonly #store: CheckpointStore;
  readonly #shard: Shard;

  constructor(inner: SinkSession, store: CheckpointStore, shard: Shard) {
    this.inner = inner;
    this.#store = store;
    this.#shard = shard;
  }

  get write(): SinkBase['write'] {
    return async (batch) => await this.inner.write(batch);
  }

  get stoppedTables(): SinkBase['stoppedTables'] | undefined {
    return this.inner.stoppedTables;
  }

  get stopTable(): NonNullable<SinkBase['stopTable']> | undefined {
    return this.inner.stopTable?.bind(this.inner);
  }

  get readRange(): NonNullable<SinkBase['readRange']> | undefined {
    return this.inner.readRange?.bind(this.inner);
  }

  async commit(checkpoint: Checkpoint): Promise<void> {
    const { inner } = this;
    switch (inner.mode) {
      case 'transactional':
        await inner.commit(checkpoint);
        return;
      case 'staged': {
        const staged = await inner.stage(checkpoint);
        this.#store.save(this.#shard, checkpoint, staged);
        await inner.apply(staged);
        return;
      }
      default:
        await inner.flush();
        this.#store.save(this.#shard, checkpoint);
    }
  }

  async recover(): Promise<Checkpoint | null> {
    const { inner } = this;
    switch (inner.mode) {
      case 'transactional':
        return await inner.recover();
      case 'staged': {
        const staged = this.#store.staged(this.#shard);
        if (staged !== undefined) await inner.apply(staged);
        return await inner.recover();
      }
      default:
        return this.#store.checkpoint(this.#shard);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.inner[Symbol.asyncDispose]();
  }
}
