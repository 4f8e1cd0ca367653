import { describe, expect, it } from 'vitest';
import type { CrashPoint } from '@weir/sdk';
import { Child } from '@weir/testkit';
import { ask } from '@weir/testkit/orders';
import { behindItsBack } from './testing/behind-its-back.ts';
import { TemporaryDatabase } from './testing/temporary-database.ts';

/** By what `changes: delta` is asked for, and how large a part of the table merges what waits; without it an empty text. */
const shares = ['', '0.0001', '1000'] as const;

async function run(path: string, share: string, crashAt?: CrashPoint): Promise<unknown> {
  const environment = crashAt === undefined ? {} : { WEIR_CRASH_AT: crashAt };
  await using child = new Child(new URL('./testing/commit-and-die.ts', import.meta.url), [path, share], environment);
  return await child.end();
}

const tableType = "SELECT table_type FROM information_schema.tables WHERE table_name = 'orders'";

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

describe.each(shares)('a process killed with SIGKILL (delta: %s)', (share) => {
  it('after it took the fence has changed nothing else', async () => {
    await using database = await TemporaryDatabase.make();
    expect(await run(database.path, share)).toBe(0);
    expect(await run(database.path, share, 'sink.fence-taken')).toBe('SIGKILL');
    expect(await state(database)).toEqual({ counts: ['500', '500', '0'], checkpoint: ['1', '{"next":1}', '2'] });
    expect(await run(database.path, share)).toBe(0);
    expect(await state(database)).toEqual({ counts: ['999', '999', '1'], checkpoint: ['2', '{"next":2}', '3'] });
  });

  it('before the commit leaves the old rows and the old checkpoint (invariants 3 and 4)', async () => {
    await using database = await TemporaryDatabase.make();
    expect(await run(database.path, share)).toBe(0);
    expect(await run(database.path, share, 'sink.before-commit')).toBe('SIGKILL');
    expect(await state(database)).toEqual({ counts: ['500', '500', '0'], checkpoint: ['1', '{"next":1}', '2'] });
    expect(await run(database.path, share)).toBe(0);
    expect(await state(database)).toEqual({ counts: ['999', '999', '1'], checkpoint: ['2', '{"next":2}', '3'] });
  });

  it('after the commit, before its answer, leaves the new ones (invariant 4)', async () => {
    await using database = await TemporaryDatabase.make();
    expect(await run(database.path, share)).toBe(0);
    expect(await run(database.path, share, 'sink.commit-unanswered')).toBe('SIGKILL');
    expect(await state(database)).toEqual({ counts: ['999', '999', '1'], checkpoint: ['2', '{"next":2}', '2'] });
    expect(await run(database.path, share)).toBe(0);
    expect(await state(database)).toEqual({ counts: ['1498', '1498', '2'], checkpoint: ['3', '{"next":3}', '3'] });
  });

  it('after many commits, each time, has all of them (invariant 4)', async () => {
    await using database = await TemporaryDatabase.make();
    expect(await run(database.path, share)).toBe(0);
    for (let next = 2; next < 6; next++) {
      expect(await run(database.path, share, 'sink.commit-unanswered')).toBe('SIGKILL');
      const rows = String(499 * next + 1);
      expect((await state(database)).counts).toEqual([rows, rows, String(next - 1)]);
    }
    expect(await ask(database.sink(), tableType)).toEqual([[share === '' ? 'BASE TABLE' : 'VIEW']]);
    // Once more without the option, which makes one table of base and delta.
    expect(await run(database.path, '', 'sink.commit-unanswered')).toBe('SIGKILL');
    expect((await state(database)).counts).toEqual(['2995', '2995', '5']);
    expect(await ask(database.sink(), tableType)).toEqual([['BASE TABLE']]);
  });
});

async function change(path: string, kind: string, share: string, crashAt?: CrashPoint): Promise<unknown> {
  const program = new URL('./testing/change-and-die.ts', import.meta.url);
  await using child = new Child(program, [path, kind, share], crashAt === undefined ? {} : { WEIR_CRASH_AT: crashAt });
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

/** What is done before: nothing; a column with a default that calls a function, for which no ALTER can be replayed; a delta. */
const befores: readonly { before: string; prepare: (path: string) => Promise<unknown>; share: string }[] = [
  { before: 'nothing', prepare: () => Promise.resolve(0), share: '' },
  {
    before: 'a default',
    prepare: async (path) => {
      await behindItsBack(path, "ALTER TABLE public.orders ADD COLUMN seen VARCHAR DEFAULT concat('y', 'es')");
      return 0;
    },
    share: '',
  },
  { before: 'a change that waits', prepare: (path) => change(path, 'wait', '1000'), share: '1000' },
];

describe('a change of a table’s shape, committed and then killed', () => {
  it.each(shapes.flatMap((shape) => befores.map((before) => ({ ...shape, ...before }))))(
    'is in the file that is opened next: $kind, behind $before (invariant 4)',
    { timeout: 120_000 },
    async ({ kind, columns, rows, prepare, share }) => {
      await using database = await TemporaryDatabase.make();
      expect(await change(database.path, 'make', share)).toBe(0);
      expect(await prepare(database.path)).toBe(0);
      expect(await change(database.path, kind, share, 'sink.commit-unanswered')).toBe('SIGKILL');
      const sink = database.sink();
      expect(await ask(sink, `SELECT ${columns} FROM public.orders ORDER BY id`)).toEqual(rows);
      expect(await ask(sink, 'SELECT position FROM weir.checkpoint')).toEqual([['2']]);
    },
  );

  it('would not be, had it been made with ALTER TABLE: DuckDB’s defect is still there', async () => {
    await using database = await TemporaryDatabase.make();
    expect(await change(database.path, 'make', '')).toBe(0);
    await using child = new Child(new URL('./testing/alter-and-die.ts', import.meta.url), [database.path]);
    expect(await child.end()).toBe('SIGKILL');
    await expect(ask(database.sink(), 'SELECT 1')).rejects.toMatchObject({ code: 'WEIR_DUCKDB_OPEN' });
  });
});
