import { sinkContract } from '@weir/testkit';
import { TestDatabase } from './testing/test-database.ts';
import { useTestServer } from './testing/test-server.ts';

const server = useTestServer();

sinkContract({
  name: 'postgres',
  deliveryClass: 'A',
  codes: { tableExists: 'WEIR_PG_TABLE_EXISTS' },
  // PostgreSQL writes -P1D as P-1D; its own forms are in values.pg.test.ts.
  lacks: ['interval'],
  start: async () => {
    const database = await TestDatabase.create(server.url);
    return { sink: (options) => database.sink(options), [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() };
  },
});
