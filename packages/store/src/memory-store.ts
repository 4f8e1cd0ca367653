import { WeirError, type Json, type Shard } from '@weir/sdk';
import type { Store, StoredCheckpoint } from './store.ts';

/** A store that lasts as long as the object: for tests and for pipelines whose sinks all hold their own checkpoint. */
export function memoryStore(): Store {
  return new MemoryStore();
}

/** Keeps JSON text, as the file does, so that no caller shares an object with the store. */
class MemoryStore implements Store {
  readonly #checkpoints = new Map<string, string>();
  readonly #hints = new Map<string, string>();
  #disposed = false;

  async loadCheckpoint(shard: Shard): Promise<StoredCheckpoint | null> {
    this.#assertOpen();
    const text = this.#checkpoints.get(shardKey(shard));
    return text === undefined ? null : (JSON.parse(text) as StoredCheckpoint);
  }

  async saveCheckpoint(shard: Shard, { checkpoint, staged }: StoredCheckpoint): Promise<void> {
    this.#assertOpen();
    const { position, state } = checkpoint;
    this.#checkpoints.set(shardKey(shard), JSON.stringify({ checkpoint: { position, state }, staged }));
  }

  async loadHint(pipeline: string, name: string): Promise<Json | null> {
    this.#assertOpen();
    const text = this.#hints.get(JSON.stringify([pipeline, name]));
    return text === undefined ? null : (JSON.parse(text) as Json);
  }

  async saveHint(pipeline: string, name: string, value: Json): Promise<void> {
    this.#assertOpen();
    this.#hints.set(JSON.stringify([pipeline, name]), JSON.stringify(value));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
  }

  #assertOpen(): void {
    if (this.#disposed) throw new WeirError('WEIR_SDK_USE', 'the store was used after it was disposed');
  }
}

function shardKey({ pipeline, sink, shard }: Shard): string {
  return JSON.stringify([pipeline, sink, shard]);
}
