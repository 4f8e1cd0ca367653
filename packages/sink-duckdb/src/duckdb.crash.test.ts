import { describe, expect, it } from 'vitest';
import type { CrashPoint } from '@weir/sdk';
import { behindItsBack } from './testing/behind-its-back.ts';
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

async function change(path: string, kind: string, crashAt?: CrashPoint): Promise<unknown> {
  await using child = new Child(
    './change-and-die.ts',
    [path, kind],
    crashAt === undefined ? {} : { WEIR_CRASH_AT: crashAt },
  );
  return await child.end();
}

const shapes: readonly { kind: string; columns: string; rows: (string | null)[][] }[] = [
  {
    kind: 'add',
    columns: 'id, details, more',
    rows: [['2', '{"a":  1}', null]],
  },
  {
    kind: 'rename',
    columns: 'id, remark',
    rows: [
      ['1', '{"note":  1}'],
      ['2', '{"note":  2}'],
      ['3', 'three'],
    ],
  },
  {
    kind: 'widen',
    columns: 'note, amount',
    rows: [
      ['{"note":  1}', '1.00'],
      ['{"note":  2}', '1.00'],
      ['3', 'x'],
    ],
  },
  {
    kind: 'number',
    columns: 'note, amount',
    rows: [
      ['one', 'NaN'],
      ['{"note":  2}', '1.00'],
    ],
  },
];

describe('a change of a table’s shape, committed and then killed', () => {
  it.each(shapes)(
    'is in the file that is opened next: $kind (invariant 4)',
    { timeout: 120_000 },
    async ({ kind, columns, rows }) => {
      // A default that calls a function is enough for DuckDB to leave a log that it cannot replay after an ALTER.
      for (const before of ['SELECT 1', "ALTER TABLE public.orders ADD COLUMN seen VARCHAR DEFAULT concat('y', 'es')"]) {
        await using database = await TemporaryDatabase.make();
        expect(await change(database.path, 'make')).toBe(0);
        await behindItsBack(database.path, before);
        expect(await change(database.path, kind, 'sink.commit-unanswered')).toBe('SIGKILL');
        const sink = database.sink();
        expect(await ask(sink, `SELECT ${columns} FROM public.orders ORDER BY id`)).toEqual(rows);
        expect(await ask(sink, 'SELECT position FROM weir.checkpoint')).toEqual([['2']]);
      }
    },
  );

  it('would not be, had it been made with ALTER TABLE: DuckDB’s defect is still there', async () => {
    await using database = await TemporaryDatabase.make();
    expect(await change(database.path, 'make')).toBe(0);
    await using child = new Child('./alter-and-die.ts', [database.path]);
    expect(await child.end()).toBe('SIGKILL');
    await expect(ask(database.sink(), 'SELECT 1')).rejects.toMatchObject({ code: 'WEIR_DUCKDB_OPEN' });
  });
});
