import { sinkCrashes } from '@weir/testkit';
import { TestDatabase } from './testing/test-database.ts';
import { useTestServer } from './testing/test-server.ts';

const server = useTestServer();

sinkCrashes({
  program: new URL('./testing/commit-and-die.ts', import.meta.url),
  fenced: 'WEIR_PG_FENCED',
  start: async () => {
    const database = await TestDatabase.create(server.url);
    return {
      args: [database.url],
      orders: 'public.orders',
      checkpoint: 'weir.checkpoint',
      sql: (statement) => database.sql(statement),
      sessions: () => database.sessions(),
      tables: async () => (await database.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).map(([name]) => name!),
      [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
    };
  },
});
