import { expect, test } from 'vitest';
import { runCampaign } from './campaign.ts';
import { play } from './history.ts';
import { makePlan } from './plan.ts';
import { scenarios, type ScenarioName } from './scenarios.ts';

test('a seed plays the same history each time, step by step', async () => {
  for (const scenario of Object.keys(scenarios) as ScenarioName[]) {
    const [first, second] = [await play(makePlan(scenario, 7), { traced: true }), await play(makePlan(scenario, 7), { traced: true })];
    expect(first.trace.length).toBeGreaterThan(20);
    expect(second).toEqual(first);
  }
});

test('different seeds play different histories', async () => {
  const [first, second] = [await play(makePlan('standard', 1), { traced: true }), await play(makePlan('standard', 2), { traced: true })];
  expect(second.trace).not.toEqual(first.trace);
});

test('a failure names its seed and what it takes, which is less than what happened, and is the same each time', async () => {
  const broken = { scenario: 'standard', seeds: 200, workers: 1, mutant: 'checkpoint kept locally' } as const;
  const { failure } = await runCampaign(broken);
  const again = await runCampaign({ ...broken, from: failure!.seed, seeds: 1 });
  expect(again.failure).toEqual(failure);
  expect(failure!.needed.length).toBeLessThan(failure!.happened);
  expect(failure!.trace.some((line) => line.includes('BROKEN'))).toBe(true);
});

test('a failure ends the campaign at once', async () => {
  const { seeds, failure } = await runCampaign({ scenario: 'standard', seeds: 50_000, mutant: 'checkpoint first', tells: false });
  expect(failure).toMatchObject({ invariant: 4, property: 'the checkpoint is ahead of the sink' });
  expect(seeds).toBeLessThan(1_000);
});
