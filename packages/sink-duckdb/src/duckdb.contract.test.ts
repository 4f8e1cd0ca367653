import { sinkContract } from '@weir/testkit';
import { TemporaryDatabase } from './testing/temporary-database.ts';

sinkContract({
  name: 'duckdb',
  deliveryClass: 'A',
  codes: { tableExists: 'WEIR_DUCKDB_TABLE_EXISTS' },
  start: async () => {
    const database = await TemporaryDatabase.make();
    return { sink: (options) => database.sink(options), [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() };
  },
});
