import type { SinkDriver } from '@weir/testkit';
import { afterAll } from 'vitest';
import { TestDatabase } from './test-database.ts';
import type { TestServer } from './test-server.ts';

/** What the contract needs of PostgreSQL: databases of a server, of which one that a case has left is emptied for the next. */
export function postgresDriver(server: TestServer): SinkDriver {
  const left: TestDatabase[] = [];
  afterAll(async () => {
    for (const database of left) await database[Symbol.asyncDispose]();
  });
  return {
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
  };
}
