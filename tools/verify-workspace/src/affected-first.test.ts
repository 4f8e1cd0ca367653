import type { TestSpecification, Vitest } from 'vitest/node';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import AffectedFirst, { FIRST_VARIABLE } from './affected-first.ts';

/** Files by name with the project and the duration of the last run, in ms. */
const files: Readonly<Record<string, readonly [project: string, duration: number]>> = {
  'engine/quick': ['@weir/engine', 10],
  'engine/slow': ['@weir/engine', 900],
  'sdk/quick': ['@weir/sdk', 20],
  'store/quick': ['@weir/store', 30],
  'store/slow': ['@weir/store', 800],
};

/** The names of all files in the order in which they run. */
async function order(): Promise<string[]> {
  const getTestSpecificationResult = ({ moduleId }: TestSpecification): object => ({ failed: false, duration: files[moduleId]![1] });
  const specification = (moduleId: string): TestSpecification => {
    const project = { name: files[moduleId]![0], config: { isolate: true, sequence: { groupOrder: 0 } } };
    return { moduleId, project } as unknown as TestSpecification;
  };
  const sequencer = new AffectedFirst({ cache: { getTestSpecificationResult } } as unknown as Vitest);
  return (await sequencer.sort(Object.keys(files).map(specification))).map(({ moduleId }) => moduleId);
}

beforeEach(() => void vi.stubEnv(FIRST_VARIABLE, undefined));
afterEach(() => void vi.unstubAllEnvs());

test('projects that a change affects run first, and each in the order of vitest', async () => {
  vi.stubEnv(FIRST_VARIABLE, '@weir/store,@weir/sdk');
  expect(await order()).toEqual(['sdk/quick', 'store/slow', 'store/quick', 'engine/slow', 'engine/quick']);
});

test.each([undefined, '', '@weir/none'])('the order is that of vitest where none of them is affected: %s', async (affected) => {
  vi.stubEnv(FIRST_VARIABLE, affected);
  expect(await order()).toEqual(['engine/slow', 'engine/quick', 'sdk/quick', 'store/slow', 'store/quick']);
});
