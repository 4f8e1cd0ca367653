import type { Checkpoint, Json, Shard } from '@weir/sdk';

/** What the store holds for one shard of a sink. */
export interface StoredCheckpoint {
  readonly checkpoint: Checkpoint;
  /** The durable intent of a staged sink (class B), to be applied again after a crash; null for the other classes. */
  readonly staged: Json | null;
}

/**
 * Durable state of a runner. For sinks of classes B, C and D it is the truth about their checkpoint (invariant 4);
 * for class A it holds nothing but hints.
 *
 * What is asked for first takes effect first, whether or not somebody waits for it: what an attempt saves that was given up
 * never comes behind what the next one loads.
 */
export interface Store extends AsyncDisposable {
  loadCheckpoint(shard: Shard): Promise<StoredCheckpoint | null>;
  /** Durable once it resolves. @throws WeirError WEIR_STORE_WRITE */
  saveCheckpoint(shard: Shard, stored: StoredCheckpoint): Promise<void>;
  /** The last thing that was saved under this name for a pipeline: a hint for people, never a truth. */
  loadHint(pipeline: string, name: string): Promise<Json | null>;
  saveHint(pipeline: string, name: string, value: Json): Promise<void>;
}

/** A hint with its key. */
export interface StoredHint {
  readonly pipeline: string;
  readonly name: string;
  readonly value: Json;
}
