import type { Store } from '@weir/store';
import type { SimProcess } from './sim-process.ts';

/** The store as one process reaches it. */
export function storeOf(process: SimProcess, store: Store): Store {
  return {
    loadCheckpoint: async (shard) => await process.call('store.load', async () => await store.loadCheckpoint(shard)),
    saveCheckpoint: async (shard, stored) => await process.call('store.save', async () => await store.saveCheckpoint(shard, stored)),
    loadHint: async (pipeline, name) => await store.loadHint(pipeline, name),
    saveHint: async (pipeline, name, value) => await store.saveHint(pipeline, name, value),
    [Symbol.asyncDispose]: async () => {},
  };
}
