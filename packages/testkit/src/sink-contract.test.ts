import { MemorySink } from './memory-sink.ts';
import { MemoryTarget } from './memory-target.ts';
import { sinkContract } from './sink-contract.ts';

// The memory sink is the model that the contract compares with, so this says that the contract asks for nothing impossible.
sinkContract({
  name: 'memory',
  deliveryClass: 'A',
  codes: { tableExists: 'WEIR_DUCKDB_TABLE_EXISTS' },
  start: async () => {
    const target = new MemoryTarget();
    return {
      sink: (options) => new MemorySink(target, 'transactional', options),
      [Symbol.asyncDispose]: async () => {},
    };
  },
});
