import { sinkContract } from '@weir/testkit';
import { afterAll } from 'vitest';
import { TestDatabase } from './testing/test-database.ts';
import { useTestServer } from './testing/test-server.ts';

const server = useTestServer();
/** Databases that a case has left, empty again. */
const left: TestDatabase[] = [];

afterAll(async () => {
  for (const database of left) await database[Symbol.asyncDispose]();
});

sinkContract({
  name: 'postgres',
  deliveryClass: 'A',
  codes: { tableExists: 'WEIR_PG_TABLE_EXISTS' },
  // PostgreSQL writes -P1D as P-1D; its own forms are in values.pg.test.ts.
  lacks: ['interval'],
  start: async () => {
    const database = left.pop() ?? (await TestDatabase.create(server.url));
    const leave = async (): Promise<void> => {
      await database.empty();
      left.push(database);
    };
    return { sink: (options) => database.sink(options), [Symbol.asyncDispose]: leave };
  },
});
