import { expect, it } from 'vitest';
import {
  contest,
  cpuRatio,
  speedRatio,
  standing,
  standingLines,
  type Attempt,
  type Contender,
  type Round,
} from './contest.ts';

const rounds = (...seconds: number[]): Round[] =>
  seconds.map((value) => ({ seconds: value, cpuSeconds: value / 2, serverSeconds: value / 4, peakBytes: value * 2 ** 20 }));

/** Takes these seconds, one after the other. */
function taking(name: string, seconds: number[], told: string[]): Contender {
  const left = [...seconds];
  return {
    name,
    async run(): Promise<Attempt> {
      told.push(name);
      return await Promise.resolve({ seconds: left.shift()!, cpuSeconds: 1, peakBytes: 0 });
    },
  };
}

it('lets contenders run in turn, the first a second time in each round', async () => {
  const told: string[] = [];
  const contenders = [taking('floor', [1, 1, 1, 1], told), taking('other', [2, 2], told)];
  const standings = await contest({ contenders, rows: 1000, runs: 2, serverPid: null, log: () => {} });
  expect(told).toEqual(['floor', 'other', 'floor', 'floor', 'other', 'floor']);
  expect(standings.map(({ name }) => name)).toEqual(['floor', 'other', 'floor, once more']);
});

it('prepares and checks around each run, and leaves both out', async () => {
  const told: string[] = [];
  const first = {
    ...taking('run', [1, 2], told),
    prepare: async () => void (await Promise.resolve(told.push('prepare'))),
    check: async () => void (await Promise.resolve(told.push('check'))),
  };
  await contest({ contenders: [first], rows: 1, runs: 1, serverPid: null, log: () => {} });
  expect(told).toEqual(['prepare', 'run', 'check', 'prepare', 'run', 'check']);
});

it('takes medians of the rounds, per row, and the most memory of all', () => {
  expect(standing('x', rounds(4, 1, 2), 1_000_000)).toMatchObject({
    rowsPerSecond: 500_000,
    clientMicros: 1,
    serverMicros: 0.5,
    peakBytes: 4 * 2 ** 20,
  });
});

it('compares round with round, so that a slow minute of the machine counts for both', () => {
  const floor = standing('floor', rounds(1, 10, 1), 100);
  const own = standing('own', rounds(2, 20, 2), 100);
  expect(speedRatio(own, floor)).toBe(0.5);
  expect(cpuRatio(own, floor)).toBe(2);
});

it('tells a ratio for each of those that all are compared with', () => {
  const names = { floor: 1, peer: 4, own: 2 };
  const standings = Object.entries(names).map(([name, seconds]) => standing(name, rounds(seconds), 5000));
  expect(standingLines(standings, standings.slice(0, 2))[2]).toEqual({
    contender: 'own',
    'k rows/s': '3',
    '÷ floor': '0.50',
    '÷ peer': '2.00',
    'client CPU, µs/row': '200.00',
    'server CPU, µs/row': '100.00',
    'peak MiB': '2',
  });
});

it('says nothing of memory and processor time of what is no process of its own', () => {
  const server = standing('subscription', [{ seconds: 1, cpuSeconds: 0, serverSeconds: 1, peakBytes: 0 }], 1000);
  expect(standingLines([server])[0]).toMatchObject({ 'client CPU, µs/row': '–', 'peak MiB': '–' });
});
