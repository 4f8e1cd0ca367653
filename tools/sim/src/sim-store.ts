import type { Store } from '@weir/store';
import type { SimProcess } from './sim-process.ts';

/** The store as one process reaches it: a file, whose operations do not overtake each other. */
export function storeOf(process: SimProcess, store: Store): Store {
  let last: Promise<unknown> = Promise.resolve();
  const inOrder = async <T>(operation: string, work: () => Promise<T>): Promise<T> => {
    const turn = last.then(async () => await process.call(operation, work));
    last = turn.catch(() => {});
    return await turn;
  };
  return {
    loadCheckpoint: async (shard) => await inOrder('store.load', async () => await store.loadCheckpoint(shard)),
    saveCheckpoint: async (shard, stored) => await inOrder('store.save', async () => await store.saveCheckpoint(shard, stored)),
    loadHint: async (pipeline, name) => await store.loadHint(pipeline, name),
    saveHint: async (pipeline, name, value) => await store.saveHint(pipeline, name, value),
    [Symbol.asyncDispose]: async () => {},
  };
}
