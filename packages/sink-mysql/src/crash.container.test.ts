import { Child, sinkCrashes, type CrashedTarget } from '@weir/testkit';
import { openSession } from '@weir/testkit/orders';
import { describeWithServices, service } from '@weir/testkit/services';
import { describe, expect, it } from 'vitest';
import { TestDatabases } from './testing/test-databases.ts';
import { makeTwoTables } from './testing/two-tables.ts';

const servers = [service('mysql'), service('mariadb', { version: '11.8' }), service('mariadb', { version: '10.11' })];

function targetOf(databases: TestDatabases): CrashedTarget {
  const schema = databases.schema();
  const tables = `SELECT table_name FROM information_schema.tables WHERE table_schema = '${schema}'`;
  return {
    args: [databases.url, schema],
    orders: `${schema}.orders`,
    checkpoint: `${databases.name}._weir_checkpoint`,
    sql: (statement) => databases.sql(statement),
    sessions: () => databases.sessions(),
    tables: async () => (await databases.sql(tables)).map(([name]) => name!),
    [Symbol.asyncDispose]: () => databases[Symbol.asyncDispose](),
  };
}

await describeWithServices('a process that writes to MySQL', servers, () => {
  describe.each(servers)('at $title', (server) => {
    const program = new URL('./testing/commit-and-die.ts', import.meta.url);
    const start = async (): Promise<CrashedTarget> => targetOf(new TestDatabases(server.url));
    sinkCrashes({ program, fenced: 'WEIR_MYSQL_FENCED', start });

    it('after the first commit, before its table has its name, leaves that to the next session (invariant 4)', async () => {
      await using target = await start();
      await using killed = new Child(program, target.args, { WEIR_CRASH_AT: 'sink.commit-unanswered' });
      expect(await killed.end()).toBe('SIGKILL');
      expect(await target.tables()).not.toContain('orders');
      await using next = new Child(program, target.args);
      expect(await next.end()).toBe(0);
      expect(await target.sql(`SELECT COUNT(*), COUNT(DISTINCT id) FROM ${target.orders}`)).toEqual([['999', '999']]);
      expect(await target.sql(`SELECT position, fence FROM ${target.checkpoint}`)).toEqual([['2', '2']]);
      expect(await target.tables()).toEqual(['orders']);
    });

    it('between two steps behind a commit leaves the second one to the next session, and does it no more (invariant 5)', async () => {
      await using databases = new TestDatabases(server.url);
      await makeTwoTables(databases.sink());
      const steps = `SELECT COUNT(*) FROM ${databases.name}._weir_steps`;
      const lines = `${databases.schema()}.\`lines\``;
      const widen = new URL('./testing/widen-and-die.ts', import.meta.url);
      const waiting = `SELECT id FROM information_schema.processlist WHERE info LIKE 'RENAME TABLE \`${databases.schema()}%'`;
      // The second table is being read, so that it cannot have its new shape until the process is killed and has a successor.
      const { next } = await databases.holding([`SELECT * FROM ${lines}`], async () => {
        await using child = new Child(widen, [databases.url, databases.schema()]);
        await expect.poll(() => databases.sql(steps), { timeout: 20_000 }).toEqual([['1']]);
        await expect.poll(() => databases.sql(waiting), { timeout: 20_000 }).toHaveLength(1);
        const [killed] = await databases.sql(waiting);
        child.send('SIGKILL');
        expect(await child.end()).toBe('SIGKILL');
        const opening = openSession(databases.sink());
        const others = async (): Promise<boolean[]> => (await databases.sql(waiting)).map(([id]) => id !== killed![0]);
        await expect.poll(others, { timeout: 20_000 }).toEqual([true]);
        return { next: opening };
      });
      await using session = await next;
      expect(await session.recover()).toEqual({ position: '2', state: null });
      expect(await databases.sql(steps)).toEqual([['0']]);
      const types = await databases.sql(
        `SELECT table_name, column_type FROM information_schema.columns
          WHERE table_schema = '${databases.schema()}' AND column_name = 'amount' ORDER BY table_name`,
      );
      expect(types).toEqual([['lines', 'decimal(20,2)'], ['orders', 'decimal(20,2)']]);
      expect(await databases.sql(`SELECT id, amount FROM ${lines}`)).toEqual([['1', '1.00']]);
    });
  });
});
