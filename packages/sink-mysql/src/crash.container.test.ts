import { describe, expect, it } from 'vitest';
import type { CrashPoint } from '@weir/sdk';
import { describeWithServices, service } from '@weir/testkit/services';
import { Child } from './testing/child.ts';
import { TestDatabases } from './testing/test-databases.ts';

const servers = [service('mysql'), service('mariadb')];

async function run(databases: TestDatabases, crashAt?: CrashPoint): Promise<unknown> {
  const environment = crashAt === undefined ? {} : { WEIR_CRASH_AT: crashAt };
  await using child = new Child('./commit-and-die.ts', [databases.url, databases.schema()], environment);
  return await child.end();
}

/** Rows, distinct keys, the row that the last transaction changed, and what the checkpoint says. */
async function state(databases: TestDatabases) {
  const [counts] = await databases.sql(
    `SELECT COUNT(*), COUNT(DISTINCT id), SUM(note = 'changed') FROM ${databases.schema()}.orders`,
  );
  const [checkpoint] = await databases.sql(`SELECT position, state, fence FROM ${databases.name}._weir_checkpoint`);
  return { counts, checkpoint };
}

/** Tables of the target that are there, whoever made them. */
async function tables(databases: TestDatabases): Promise<string[]> {
  const rows = await databases.sql(
    `SELECT table_name FROM information_schema.tables WHERE table_schema = '${databases.schema()}'`,
  );
  return rows.map(([name]) => name!);
}

const first = { counts: ['500', '500', '0'], checkpoint: ['1', '{"next":1}', '2'] };
const second = { counts: ['999', '999', '1'], checkpoint: ['2', '{"next":2}', '3'] };

await describeWithServices('a process killed with SIGKILL', servers, () => {
  describe.each(servers)('at $title', (server) => {
    it('after it took the fence has changed nothing else', async () => {
      await using databases = new TestDatabases(server.url);
      expect(await run(databases)).toBe(0);
      expect(await run(databases, 'sink.fence-taken')).toBe('SIGKILL');
      expect(await state(databases)).toEqual(first);
      expect(await run(databases)).toBe(0);
      expect(await state(databases)).toEqual(second);
    });

    it('before the commit leaves the old rows and the old checkpoint (invariants 3 and 4)', async () => {
      await using databases = new TestDatabases(server.url);
      expect(await run(databases)).toBe(0);
      expect(await run(databases, 'sink.before-commit')).toBe('SIGKILL');
      expect(await state(databases)).toEqual(first);
      expect(await run(databases)).toBe(0);
      expect(await state(databases)).toEqual(second);
    });

    it('before the first commit leaves no table of a name that anybody asks for', async () => {
      await using databases = new TestDatabases(server.url);
      expect(await run(databases, 'sink.before-commit')).toBe('SIGKILL');
      expect((await tables(databases)).every((name) => name.startsWith('_weir_'))).toBe(true);
      expect(await databases.sql(`SELECT position FROM ${databases.name}._weir_checkpoint`)).toEqual([[null]]);
      expect(await run(databases)).toBe(0);
      expect(await state(databases)).toEqual(first);
      expect(await tables(databases)).toEqual(['orders']);
    });

    it('after the commit, before its answer, leaves the new ones (invariant 4)', async () => {
      await using databases = new TestDatabases(server.url);
      expect(await run(databases)).toBe(0);
      expect(await run(databases, 'sink.commit-unanswered')).toBe('SIGKILL');
      expect(await state(databases)).toEqual({ ...second, checkpoint: ['2', '{"next":2}', '2'] });
      expect(await run(databases)).toBe(0);
      expect(await state(databases)).toEqual({ counts: ['1498', '1498', '2'], checkpoint: ['3', '{"next":3}', '3'] });
    });

    it('after the first commit, before its table has its name, leaves that to the next session (invariant 4)', async () => {
      await using databases = new TestDatabases(server.url);
      expect(await run(databases, 'sink.commit-unanswered')).toBe('SIGKILL');
      expect(await tables(databases)).not.toContain('orders');
      expect(await run(databases)).toBe(0);
      expect(await state(databases)).toEqual({ ...second, checkpoint: ['2', '{"next":2}', '2'] });
      expect(await tables(databases)).toEqual(['orders']);
    });

    it('or stopped in the middle of a commit does not keep its successor waiting (invariant 5)', async () => {
      await using databases = new TestDatabases(server.url);
      expect(await run(databases)).toBe(0);
      await using zombie = new Child('./commit-and-die.ts', [databases.url, databases.schema(), 'wait']);
      expect(await zombie.line()).toBe('written');
      zombie.send('SIGSTOP');
      expect(await databases.sessions()).toHaveLength(1);
      expect(await run(databases)).toBe(0);
      expect(await state(databases)).toEqual(second);
      expect(await databases.sessions()).toEqual([]);
      zombie.send('SIGCONT');
      expect(await zombie.end()).toBe(0);
      expect(await zombie.line()).toBe('WEIR_MYSQL_FENCED');
      expect(await state(databases)).toEqual(second);
    });
  });
});
