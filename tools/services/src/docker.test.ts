import { expect, onTestFinished, test, vi } from 'vitest';
import { command, dockerProblem } from './docker.ts';

test('a command gives its code and the end of what it wrote to both streams', async () => {
  expect(await command('/bin/sh', ['-c', 'echo out; echo err >&2; exit 3'], { limit: 10_000 })).toEqual({
    code: 3,
    output: expect.stringMatching(/out|err/) as string,
  });
});

test('one that is not installed has code 127, one that takes too long has none', async () => {
  expect(await command('/nowhere/program', [], { limit: 1000 })).toMatchObject({ code: 127 });
  expect(await command('/bin/sleep', ['60'], { limit: 100 })).toMatchObject({ code: null });
});

test('a daemon that does not answer is a problem that reads on', async () => {
  vi.stubEnv('DOCKER_HOST', 'tcp://127.0.0.1:1');
  onTestFinished(() => void vi.unstubAllEnvs());
  expect(await dockerProblem()).toMatch(/127\.0\.0\.1:1|not installed/);
});
