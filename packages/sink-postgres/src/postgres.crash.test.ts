import { describe, expect, it } from 'vitest';
import type { CrashPoint } from '@weir/sdk';
import { Child } from './testing/child.ts';
import { TestDatabase } from './testing/test-database.ts';
import { useTestServer } from './testing/test-server.ts';

const server = useTestServer();

async function run(url: string, crashAt?: CrashPoint): Promise<unknown> {
  await using child = new Child('./commit-and-die.ts', [url], crashAt === undefined ? {} : { WEIR_CRASH_AT: crashAt });
  return await child.end();
}

/** Rows, distinct keys, the row that the last transaction changed, and what the checkpoint says. */
async function state(database: TestDatabase) {
  const [counts] = await database.sql(
    "SELECT count(*), count(DISTINCT id), count(*) FILTER (WHERE note = 'changed') FROM public.orders",
  );
  const [checkpoint] = await database.sql('SELECT position, state, fence FROM weir.checkpoint');
  return { counts, checkpoint };
}

describe('a process killed with SIGKILL', () => {
  it('after it took the fence has changed nothing else', async () => {
    await using database = await TestDatabase.create(server.url);
    expect(await run(database.url)).toBe(0);
    expect(await run(database.url, 'sink.fence-taken')).toBe('SIGKILL');
    expect(await state(database)).toEqual({ counts: ['500', '500', '0'], checkpoint: ['1', '{"next":1}', '2'] });
    expect(await run(database.url)).toBe(0);
    expect(await state(database)).toEqual({ counts: ['999', '999', '1'], checkpoint: ['2', '{"next":2}', '3'] });
  });

  it('before the commit leaves the old rows and the old checkpoint (invariants 3 and 4)', async () => {
    await using database = await TestDatabase.create(server.url);
    expect(await run(database.url)).toBe(0);
    expect(await run(database.url, 'sink.before-commit')).toBe('SIGKILL');
    expect(await state(database)).toEqual({ counts: ['500', '500', '0'], checkpoint: ['1', '{"next":1}', '2'] });
    expect(await run(database.url)).toBe(0);
    expect(await state(database)).toEqual({ counts: ['999', '999', '1'], checkpoint: ['2', '{"next":2}', '3'] });
  });

  it('before the first commit leaves no table', async () => {
    await using database = await TestDatabase.create(server.url);
    expect(await run(database.url, 'sink.before-commit')).toBe('SIGKILL');
    expect(await database.sql("SELECT to_regclass('public.orders'), position FROM weir.checkpoint")).toEqual([[null, null]]);
    expect(await run(database.url)).toBe(0);
    expect(await state(database)).toEqual({ counts: ['500', '500', '0'], checkpoint: ['1', '{"next":1}', '2'] });
  });

  it('after the commit, before its answer, leaves the new ones (invariant 4)', async () => {
    await using database = await TestDatabase.create(server.url);
    expect(await run(database.url)).toBe(0);
    expect(await run(database.url, 'sink.commit-unanswered')).toBe('SIGKILL');
    expect(await state(database)).toEqual({ counts: ['999', '999', '1'], checkpoint: ['2', '{"next":2}', '2'] });
    expect(await run(database.url)).toBe(0);
    expect(await state(database)).toEqual({ counts: ['1498', '1498', '2'], checkpoint: ['3', '{"next":3}', '3'] });
  });
});

describe('a process that was stopped in the middle of a commit (invariant 5)', () => {
  it('does not keep its successor waiting, and commits nothing when it goes on', async () => {
    await using database = await TestDatabase.create(server.url);
    expect(await run(database.url)).toBe(0);
    await using zombie = new Child('./commit-and-die.ts', [database.url, 'wait']);
    expect(await zombie.line()).toBe('written');
    zombie.send('SIGSTOP');
    expect(await database.sessions()).toHaveLength(1);
    expect(await run(database.url)).toBe(0);
    expect(await state(database)).toEqual({ counts: ['999', '999', '1'], checkpoint: ['2', '{"next":2}', '3'] });
    expect(await database.sessions()).toEqual([]);
    zombie.send('SIGCONT');
    expect(await zombie.end()).toBe(0);
    expect(await zombie.line()).toBe('WEIR_PG_FENCED');
    expect(await state(database)).toEqual({ counts: ['999', '999', '1'], checkpoint: ['2', '{"next":2}', '3'] });
  });
});
