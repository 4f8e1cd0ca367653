import { expect, it } from 'vitest';
import { profileLines, selfTimes, type CpuProfile } from './cpu-profile.ts';

const here = (path: string): string => new URL(`../../../${path}`, import.meta.url).href;

type Called = readonly [name: string, url: string, line: number];

function profile(frames: readonly Called[], samples: readonly number[]): CpuProfile {
  const nodes = frames.map(([functionName, url, lineNumber], id) => ({ id, callFrame: { functionName, url, lineNumber } }));
  return { nodes, samples, timeDeltas: [5, ...samples.slice(1).map(() => 100), 100] };
}

it('adds up the time of a function wherever it was called, until the next sample', () => {
  const { frames } = selfTimes(
    profile(
      [
        ['decode', here('packages/pgoutput/src/decoder.ts'), 41],
        ['append', here('packages/sdk/src/batch-writer.ts'), 9],
        ['decode', here('packages/pgoutput/src/decoder.ts'), 41],
      ],
      [0, 1, 2, 0],
    ),
  );
  expect(frames).toEqual([
    { name: 'decode', file: 'packages/pgoutput/src/decoder.ts:42', micros: 300 },
    { name: 'append', file: 'packages/sdk/src/batch-writer.ts:10', micros: 100 },
  ]);
});

it('keeps functions of one name apart by where they are, and names those of the runtime', () => {
  const { frames } = selfTimes(
    profile(
      [
        ['(garbage collector)', '', -1],
        ['onread', 'node:internal/stream_base_commons', 166],
        ['', here('packages/a.ts'), 0],
        ['', here('packages/a.ts'), 7],
      ],
      [0, 1, 2, 3],
    ),
  );
  expect(frames.map(({ name, file }) => `${name} ${file}`)).toEqual([
    '(garbage collector) ',
    'onread node:internal/stream_base_commons:167',
    '(anonymous) packages/a.ts:1',
    '(anonymous) packages/a.ts:8',
  ]);
});

it('tells shares of the time in which the thread did not wait', () => {
  const called: Called[] = [
    ['(idle)', '', -1],
    ['writev', '', -1],
    ['read', 'node:fs', 1],
  ];
  const { frames, idleMicros } = selfTimes(profile(called, [0, 0, 0, 1, 1, 1, 2]));
  expect(idleMicros).toBe(300);
  expect(profileLines(frames, 1)).toEqual([{ 'self, %': '75.0', function: 'writev', file: '(native)' }]);
});
