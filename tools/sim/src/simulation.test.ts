import { expect, test } from 'vitest';
import { runCampaign } from './campaign.ts';
import type { ScenarioName } from './scenarios.ts';

// 21,000 histories in all. A failure says which one: `npm run sim -- --scenario NAME --seed N` plays it again.
const seedsOf: Readonly<Record<ScenarioName, number>> = {
  standard: 15_000,
  copy: 1_000,
  streamed: 1_000,
  schema: 1_000,
  sinks: 1_000,
  runners: 1_000,
  behind: 1_000,
};

test.each(Object.entries(seedsOf))('everything holds in scenario %s, %i seeds', { timeout: 900_000 }, async (scenario, seeds) => {
  const result = await runCampaign({ scenario: scenario as ScenarioName, seeds });
  expect(result.failure).toBeNull();
  expect(result.seeds).toBe(seeds);
});
