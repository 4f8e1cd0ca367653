import { expect, test } from 'vitest';
import { parseRequest, parts, usage } from './request.ts';

test('without arguments everything is asked for', () => {
  expect(parseRequest([])).toEqual({ only: parts, filters: [], forVitest: [] });
});

test('words choose files, --only chooses a part, the rest goes to vitest', () => {
  expect(parseRequest(['packages/sdk', '--only', 'unit', 'cursor', '-t', 'a name', '--only'])).toEqual({
    only: ['unit'],
    filters: ['packages/sdk', 'cursor'],
    forVitest: ['-t', 'a name', '--only'],
  });
  expect(parseRequest(['--only=lint'])).toEqual({ only: ['lint'], filters: [], forVitest: [] });
});

test('a part that does not exist is refused, help is given', () => {
  expect(parseRequest(['--only', 'fun'])).toBe(`--only takes one of host, lint, types, unit\n\n${usage}`);
  expect(parseRequest(['--only'])).toContain('--only takes one of');
  expect(parseRequest(['--help'])).toBe(usage);
});
