import { expect, test } from 'vitest';
import { SOUND, tables } from './bank.ts';
import type { ChaosSink } from './sink.ts';
import { Watch } from './watch.ts';

const copied = JSON.stringify({ tables: Object.keys(tables).map((name) => ({ name, chunks: { done: true } })) });

/** What a watch says of a sink whose tables are copied and that answers so. */
async function saysOf(answer: () => Record<string, string | null>[]): Promise<{ wrong: string[]; sums: number }> {
  const wrong: string[] = [];
  const watch = new Watch({} as ChaosSink, () => '', (what) => wrong.push(what));
  await watch.look(async (sql) => (sql.includes('AS state') ? [{ state: copied }, { state: copied }] : answer()));
  return { wrong, sums: watch.sums };
}

test('a sound bank is counted', async () => {
  expect(await saysOf(() => [{ position: 'a', ...SOUND }])).toEqual({ wrong: [], sums: 1 });
});

test.each(Object.keys(SOUND))('a bank whose %s is not what it is at every commit is wrong (invariant 3)', async (name) => {
  const { wrong } = await saysOf(() => [{ position: 'a', ...SOUND, [name]: '17' }]);
  expect(wrong).toEqual([expect.stringContaining(`"${name}":"17"`)]);
});

test('a table that is gone is wrong, a sink that is away is not', async () => {
  const fail = (error: Error) => () => {
    throw error;
  };
  expect((await saysOf(fail(Object.assign(new Error('no such table'), { code: '42P01' })))).wrong).toHaveLength(1);
  expect((await saysOf(fail(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })))).wrong).toEqual([]);
});
