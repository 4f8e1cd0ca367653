import { crashPoint, type Checkpoint, type Shard, type SinkSession } from '@weir/sdk';
import type { Store } from '@weir/store';

/**
 * The one place that decides the order of a commit (invariant 1): the sink makes rows and checkpoint durable, then, and
 * only then, the source is told. Nothing else in Weir calls `commit`, `stage`, `apply`, `flush` or `confirm`.
 */
export async function commitCheckpoint(
  session: SinkSession,
  store: Store,
  shard: Shard,
  checkpoint: Checkpoint,
  confirm: (checkpoint: Checkpoint) => Promise<void>,
): Promise<void> {
  crashPoint('engine.before-commit');
  switch (session.mode) {
    case 'transactional':
      await session.commit(checkpoint);
      break;
    case 'staged': {
      const staged = await session.stage(checkpoint);
      await store.saveCheckpoint(shard, { checkpoint, staged });
      await session.apply(staged);
      break;
    }
    case 'idempotent':
    case 'at-least-once':
      await session.flush();
      await store.saveCheckpoint(shard, { checkpoint, staged: null });
      break;
  }
  crashPoint('engine.before-confirm');
  await confirm(checkpoint);
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
