import { sinkContract } from '@weir/testkit';
import { TemporaryDatabase } from './testing/temporary-database.ts';

sinkContract({
  name: 'duckdb',
  deliveryClass: 'A',
  start: async () => {
    const database = await TemporaryDatabase.make();
    return { sink: () => database.sink(), [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() };
  },
});
