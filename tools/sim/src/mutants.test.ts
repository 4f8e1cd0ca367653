import { expect, test } from 'vitest';
import { runCampaign } from './campaign.ts';
import { mutants } from './mutants.ts';
import { edited } from './mutate.ts';

const TIMEOUT_MS = 300_000;

test('there are at least fourteen broken variants, each with a name of its own', () => {
  expect(mutants.length).toBeGreaterThanOrEqual(14);
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
});

test.each(mutants.map((mutant) => [mutant.name, mutant.within, mutant] as const))(
  '%s is caught within %i seeds',
  { timeout: TIMEOUT_MS },
  async (name, within, { scenario }) => {
    const { failure } = await runCampaign({ scenario, seeds: within, mutant: name, tells: false });
    expect(failure).not.toBeNull();
  },
);

test('what is shipped holds in the same seeds', { timeout: TIMEOUT_MS }, async () => {
  for (const scenario of new Set(mutants.map((mutant) => mutant.scenario))) {
    const seeds = Math.max(...mutants.filter((mutant) => mutant.scenario === scenario).map(({ within }) => within));
    expect((await runCampaign({ scenario, seeds })).failure, scenario).toBeNull();
  }
});

test('a mutant whose text is not there exactly once is refused', () => {
  const edit = { file: 'a.ts', find: 'one', replace: 'two' };
  expect(edited('one three', edit)).toBe('two three');
  expect(() => edited('one one', edit)).toThrow('has 2 times');
  expect(() => edited('none of it: three', { ...edit, find: 'four' })).toThrow('has 0 times');
});
