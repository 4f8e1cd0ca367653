import { describe, expect, it } from 'vitest';
import type { CrashPoint } from '@weir/sdk';
import { Child } from './testing/child.ts';
import { ask } from './testing/orders.ts';
import { TemporaryDatabase } from './testing/temporary-database.ts';

async function run(path: string, crashAt?: CrashPoint): Promise<unknown> {
  await using child = new Child('./commit-and-die.ts', [path], crashAt === undefined ? {} : { WEIR_CRASH_AT: crashAt });
  return await child.end();
}

/** Rows, distinct keys, what the checkpoint says, and the row that the last transaction changed. */
async function state(database: TemporaryDatabase) {
  const sink = database.sink();
  const [counts] = await ask(
    sink,
    "SELECT count(*), count(DISTINCT id), count(*) FILTER (WHERE note = 'changed') FROM public.orders",
  );
  const [checkpoint] = await ask(sink, 'SELECT position, state, fence FROM weir.checkpoint');
  return { counts, checkpoint };
}

describe('a process killed with SIGKILL', () => {
  it('after it took the fence has changed nothing else', async () => {
    await using database = await TemporaryDatabase.make();
    expect(await run(database.path)).toBe(0);
    expect(await run(database.path, 'sink.fence-taken')).toBe('SIGKILL');
    expect(await state(database)).toEqual({ counts: ['500', '500', '0'], checkpoint: ['1', '{"next":1}', '2'] });
    expect(await run(database.path)).toBe(0);
    expect(await state(database)).toEqual({ counts: ['999', '999', '1'], checkpoint: ['2', '{"next":2}', '3'] });
  });

  it('before the commit leaves the old rows and the old checkpoint (invariants 3 and 4)', async () => {
    await using database = await TemporaryDatabase.make();
    expect(await run(database.path)).toBe(0);
    expect(await run(database.path, 'sink.before-commit')).toBe('SIGKILL');
    expect(await state(database)).toEqual({ counts: ['500', '500', '0'], checkpoint: ['1', '{"next":1}', '2'] });
    expect(await run(database.path)).toBe(0);
    expect(await state(database)).toEqual({ counts: ['999', '999', '1'], checkpoint: ['2', '{"next":2}', '3'] });
  });

  it('after the commit, before its answer, leaves the new ones (invariant 4)', async () => {
    await using database = await TemporaryDatabase.make();
    expect(await run(database.path)).toBe(0);
    expect(await run(database.path, 'sink.commit-unanswered')).toBe('SIGKILL');
    expect(await state(database)).toEqual({ counts: ['999', '999', '1'], checkpoint: ['2', '{"next":2}', '2'] });
    expect(await run(database.path)).toBe(0);
    expect(await state(database)).toEqual({ counts: ['1498', '1498', '2'], checkpoint: ['3', '{"next":3}', '3'] });
  });
});
