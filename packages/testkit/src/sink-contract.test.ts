import { MemorySink } from './memory-sink.ts';
import { MemoryTarget } from './memory-target.ts';
import { sinkContract } from './sink-contract.ts';

// The memory sink is the model that the contract compares with, so this says that the contract asks for nothing impossible.
sinkContract({
  name: 'memory',
  deliveryClass: 'A',
  oneShard: true,
  start: async () => {
    const target = new MemoryTarget();
    return { sink: () => new MemorySink(target), [Symbol.asyncDispose]: async () => {} };
  },
});
