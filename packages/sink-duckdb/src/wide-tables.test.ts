import { describe, expect, it } from 'vitest';
import { schemaPolicies, unchanged, type BatchBuilder } from '@weir/sdk';
import { Child } from '@weir/testkit';
import { ask, batch, checkpointAt, column, openSession } from '@weir/testkit/orders';
import { openDatabase } from './database.ts';
import { openInstance } from './open-instance.ts';
import { TemporaryDatabase } from './testing/temporary-database.ts';
import { wideRow, wideTable } from './testing/wide.ts';

const MIB = 2 ** 20;
/** DuckDB's least limit, in which the columns of one row of the table do not fit. */
const options = { memoryBytes: 64 * MIB, schemaChanges: schemaPolicies('apply') } as const;

async function writeWide(path: string, crashAt?: string): Promise<unknown> {
  const program = new URL('./testing/write-wide.ts', import.meta.url);
  await using child = new Child(program, [path], crashAt === undefined ? {} : { WEIR_CRASH_AT: crashAt });
  return await child.end();
}

async function memoryLimit(path: string): Promise<string> {
  const database = await openDatabase(path, { memoryLimit: 64 * MIB, threads: 1 });
  const connection = await database.connect();
  const result = await connection.run("SELECT current_setting('memory_limit')");
  const limit = String((await result.getRows())[0]![0]);
  connection.closeSync();
  await database.release();
  return limit;
}

describe('a table of more columns than DuckDB’s memory holds blocks for (invariant 8)', { timeout: 120_000 }, () => {
  it('is written, and its rows joined in checkpoints, in a mirror and in a history', async () => {
    for (const mode of ['mirror', 'append'] as const) {
      await using database = await TemporaryDatabase.make();
      await using session = await openSession(database.sink({ ...options, mode }));
      await session.recover();
      const more = { ...wideTable, columns: [...wideTable.columns, column('last', { kind: 'string' })] };
      const commits: ((rows: BatchBuilder) => void)[] = [
        (rows) => rows.schemaChange({ table: wideTable, change: 'create' }).insert(wideTable, wideRow(1)),
        (rows) => rows.insert(wideTable, wideRow(2)).insert(wideTable, wideRow(3)),
        (rows) => rows.update(wideTable, wideRow(1, { more_0: unchanged, more_1: 'one' }), wideRow(1)),
        (rows) => rows.delete(wideTable, wideRow(2)),
        (rows) => rows.schemaChange({ table: more, change: 'add', column: 'last', value: 'fine' }),
      ];
      const shared = await openDatabase(database.path, { memoryLimit: 64 * MIB, threads: 1 });
      const connection = await shared.connect();
      for (const [index, fill] of commits.entries()) {
        await session.write(batch(index + 1, fill));
        await session.commit(checkpointAt(index + 1));
        await connection.run('CHECKPOINT');
      }
      connection.closeSync();
      await shared.release();
      const counts = await ask(database.sink(options), 'SELECT count(*), count(more_1) FROM public.orders');
      expect(counts).toEqual([mode === 'mirror' ? ['2', '1'] : ['5', '1']]);
    }
  });

  it('opens and goes on after a crash, whatever its log needs', async () => {
    await using database = await TemporaryDatabase.make();
    expect(await writeWide(database.path)).toBe(0);
    expect(await writeWide(database.path, 'sink.commit-unanswered')).toBe('SIGKILL');
    await using session = await openSession(database.sink(options));
    expect(await session.recover()).toMatchObject({ position: '2' });
    await session.write(batch(3, (rows) => rows.delete(wideTable, wideRow(1))));
    await session.commit(checkpointAt(3));
    expect(await ask(database.sink(options), 'SELECT id FROM public.orders')).toEqual([['2']]);
  });

  it('does not open where the machine has less memory than its log needs, and says so', async () => {
    await using database = await TemporaryDatabase.make();
    expect(await writeWide(database.path)).toBe(0);
    expect(await writeWide(database.path, 'sink.commit-unanswered')).toBe('SIGKILL');
    const opening = openInstance(database.path, 8 * MIB, {}, 20 * MIB);
    await expect(opening).rejects.toThrow(/MiB\/20\.0 MiB used/);
    const { instance, limit } = await openInstance(database.path, 16 * MIB, {});
    expect(limit).toBe(32 * MIB);
    instance.closeSync();
  });

  it('is given 1.5 MiB for each column and 32 MiB beside', async () => {
    await using database = await TemporaryDatabase.make();
    expect(await memoryLimit(database.path)).toBe('64.0 MiB');
    expect(await writeWide(database.path)).toBe(0);
    expect(await memoryLimit(database.path)).toBe(`${32 + 1.5 * wideTable.columns.length} MiB`);
  });
});
