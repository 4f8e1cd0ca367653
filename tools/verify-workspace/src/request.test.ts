import { expect, test } from 'vitest';
import { parseRequest, parts, usage } from './request.ts';

test('without arguments everything is asked for', () => {
  expect(parseRequest([])).toEqual({ only: parts, postgres: null, filters: [], forVitest: [] });
});

test('words choose files, --only chooses a part, the rest goes to vitest', () => {
  expect(parseRequest(['packages/sdk', '--only', 'unit', 'cursor', '-t', 'a name', '--only'])).toEqual({
    only: ['unit'],
    postgres: null,
    filters: ['packages/sdk', 'cursor'],
    forVitest: ['-t', 'a name', '--only'],
  });
  expect(parseRequest(['--only=lint'])).toMatchObject({ only: ['lint'], filters: [], forVitest: [] });
});

test('older versions of PostgreSQL and the part for containers are left out where something was chosen', () => {
  const without = ['host', 'lint', 'types', 'unit'];
  expect(parseRequest(['packages/sdk'])).toMatchObject({ only: without });
  expect(parseRequest(['-t', 'a name'])).toMatchObject({ only: without });
  expect(parseRequest(['packages/source-postgres', '--only', 'postgres'])).toMatchObject({
    only: ['postgres'],
    postgres: null,
  });
});

test('--postgres chooses versions, and runs nothing else', () => {
  expect(parseRequest(['packages/source-postgres', '--postgres', '15', '-t', 'x'])).toEqual({
    only: ['postgres'],
    postgres: [15],
    filters: ['packages/source-postgres'],
    forVitest: ['-t', 'x'],
  });
  expect(parseRequest(['--postgres=14,18'])).toMatchObject({ only: ['postgres'], postgres: [14, 18], filters: [] });
  expect(parseRequest(['--postgres', '17', '--only', 'postgres'])).toMatchObject({ only: ['postgres'], postgres: [17] });
});

test('what does not exist is refused, help is given', () => {
  expect(parseRequest(['--only', 'fun'])).toBe(`--only takes one of host, lint, types, unit, containers, postgres\n\n${usage}`);
  expect(parseRequest(['--only'])).toContain('--only takes one of');
  expect(parseRequest(['--postgres', '13'])).toBe(`--postgres takes one or more of 14,15,16,17,18\n\n${usage}`);
  expect(parseRequest(['--postgres'])).toContain('--postgres takes one or more of');
  expect(parseRequest(['--postgres', '15', '--only', 'lint'])).toContain('--postgres goes with no other part');
  expect(parseRequest(['--help'])).toBe(usage);
});
