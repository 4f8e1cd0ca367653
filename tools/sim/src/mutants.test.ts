import { expect, test } from 'vitest';
import { runCampaign } from './campaign.ts';
import { mutants } from './mutants.ts';
import { edited } from './mutate.ts';
import type { ScenarioName } from './scenarios.ts';

const TIMEOUT_MS = 900_000;

test('there are at least fourteen broken variants, each with a name of its own', () => {
  expect(mutants.length).toBeGreaterThanOrEqual(14);
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
});

test.each(mutants.map((mutant) => [mutant.name, mutant.within, mutant] as const))(
  '%s is caught within %i seeds',
  { timeout: TIMEOUT_MS },
  async (name, within, { scenario, from = 1 }) => {
    const { failure } = await runCampaign({ scenario, from, seeds: within, mutant: name, tells: false });
    expect(failure).not.toBeNull();
  },
);

test('what is shipped holds in the same seeds', { timeout: TIMEOUT_MS }, async () => {
  // For each scenario and first seed as far as any mutant goes.
  const ranges = new Map<string, { scenario: ScenarioName; from: number; seeds: number }>();
  for (const { scenario, from = 1, within } of mutants) {
    const seeds = Math.max(within, ranges.get(`${scenario} ${from}`)?.seeds ?? 0);
    ranges.set(`${scenario} ${from}`, { scenario, from, seeds });
  }
  for (const [range, campaign] of ranges) expect((await runCampaign(campaign)).failure, range).toBeNull();
});

test('a mutant whose text is not there exactly once is refused', () => {
  const edit = { file: 'a.ts', find: 'one', replace: 'two' };
  expect(edited('one three', edit)).toBe('two three');
  expect(() => edited('one one', edit)).toThrow('has 2 times');
  expect(() => edited('none of it: three', { ...edit, find: 'four' })).toThrow('has 0 times');
});
