import { crashPoint, type Checkpoint, type Shard, type SinkSession } from '@weir/sdk';
import type { Store } from '@weir/store';

/** Who wants a checkpoint committed. */
export interface CommitRequest {
  readonly session: SinkSession;
  readonly store: Store;
  readonly shard: Shard;
  readonly checkpoint: Checkpoint;
  /** Called when the checkpoint is durable. */
  readonly confirm: (checkpoint: Checkpoint) => Promise<void>;
  /** Aborted when nobody waits for this commit any more: an answer that comes later than that must lead to nothing. */
  readonly signal: AbortSignal;
}

/**
 * The one place that decides the order of a commit (invariant 1): the sink makes rows and checkpoint durable, then, and
 * only then, the source is told. Nothing else in Weir calls `commit`, `stage`, `apply`, `flush` or `confirm`, except that
 * `recoverCheckpoint` applies again what was staged.
 *
 * Each step but the last is followed by a look at the signal. A sink that answers when another attempt is under way would
 * else put an old checkpoint over a newer one in the store.
 */
export async function commitCheckpoint(request: CommitRequest): Promise<void> {
  const { session, store, shard, checkpoint, signal } = request;
  crashPoint('engine.before-commit');
  switch (session.mode) {
    case 'transactional':
      await session.commit(checkpoint);
      break;
    case 'staged': {
      const staged = await session.stage(checkpoint);
      signal.throwIfAborted();
      await store.saveCheckpoint(shard, { checkpoint, staged });
      signal.throwIfAborted();
      await session.apply(staged);
      break;
    }
    case 'idempotent':
    case 'at-least-once':
      await session.flush();
      signal.throwIfAborted();
      await store.saveCheckpoint(shard, { checkpoint, staged: null });
      break;
  }
  signal.throwIfAborted();
  crashPoint('engine.before-confirm');
  await request.confirm(checkpoint);
}

/** The checkpoint to resume from: the sink's own for classes A and B, the store's for the others (invariant 4). */
export async function recoverCheckpoint(session: SinkSession, store: Store, shard: Shard): Promise<Checkpoint | null> {
  switch (session.mode) {
    case 'transactional':
      return await session.recover();
    case 'staged': {
      const stored = await store.loadCheckpoint(shard);
      if (stored?.staged != null) await session.apply(stored.staged);
      return await session.recover();
    }
    case 'idempotent':
    case 'at-least-once':
      return (await store.loadCheckpoint(shard))?.checkpoint ?? null;
  }
}
