import { sinkContract } from '@weir/testkit';
import { TemporaryDatabase } from './testing/temporary-database.ts';

// All once more where changes wait in a delta, of every table that can have one, and are merged once they are three tenths of it
// and when a commit writes nothing: so rows are found in the base, in the delta and in both.
sinkContract({
  name: 'duckdb with `changes: delta`',
  deliveryClass: 'A',
  codes: { tableExists: 'WEIR_DUCKDB_TABLE_EXISTS' },
  start: async () => {
    const database = await TemporaryDatabase.make();
    return {
      sink: (options) => database.deltaSink({ share: 0.3, atRest: true }, options),
      [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
    };
  },
});
