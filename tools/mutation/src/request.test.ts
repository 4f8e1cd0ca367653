import { expect, test } from 'vitest';
import { parseRequest, usage } from './request.ts';

test('without words every package is asked for, with example tests only and what an earlier run found', () => {
  expect(parseRequest([])).toEqual({
    packages: ['engine', 'store', 'pgoutput'],
    files: [],
    properties: false,
    workers: 1,
    anew: false,
  });
});

test('a package may be named as in other commands', () => {
  for (const word of ['store', '@weir/store', 'packages/store', './packages/store/'])
    expect(parseRequest([word])).toMatchObject({ packages: ['store'] });
  expect(parseRequest(['pgoutput', 'engine'])).toMatchObject({ packages: ['engine', 'pgoutput'] });
});

test('files are given one by one or with commas', () => {
  expect(parseRequest(['engine', '--files', 'lane*.ts,commit.ts', '--files', 'retry.ts'])).toMatchObject({
    files: ['lane*.ts', 'commit.ts', 'retry.ts'],
  });
});

test('options are those of the usage', () => {
  expect(parseRequest(['--properties', '--workers', '2', '--anew'])).toMatchObject({
    properties: true,
    workers: 2,
    anew: true,
  });
});

test.each([
  [['sdk'], 'sdk is none of engine, store, pgoutput'],
  [['--workers', '0'], '--workers takes a number from 1, not 0'],
  [['--workers', 'many'], '--workers takes a number from 1, not many'],
  [['--seed', '1'], "Unknown option '--seed'"],
])('%j is answered with what is wrong, then the usage', (args, message) => {
  const answer = parseRequest(args);
  expect(answer).toContain(message);
  expect(answer).toContain(usage);
});

test('--help is answered with the usage alone', () => expect(parseRequest(['engine', '--help'])).toBe(usage));
