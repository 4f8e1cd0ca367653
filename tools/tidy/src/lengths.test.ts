import { expect, test } from 'vitest';
import { formatFinding } from './finding.ts';
import { checkLengths, type LengthRatchet } from './lengths.ts';
import { filesOf } from './workspace-files.ts';

const limits = { file: 20, testFile: 30, function: 5 };
const filled = (count: number): string => Array.from({ length: count }, (_, n) => `  work(${n});`).join('\n');

function found(file: string, text: string, ratchet: LengthRatchet = {}): string[] {
  return checkLengths(filesOf({ [file]: text }), limits, ratchet).map(formatFinding);
}

test('a file within the limit passes, one line more is found', () => {
  expect(found('a.ts', 'x;\n'.repeat(20))).toEqual([]);
  expect(found('a.ts', 'x;\n'.repeat(21))).toEqual(['a.ts the file has 21 lines, above 20: split it']);
  expect(found('a.test.ts', 'x;\n'.repeat(30))).toEqual([]);
  expect(found('a.test.ts', 'x;\n'.repeat(31))).toEqual(['a.test.ts the file has 31 lines, above 30: split it']);
});

test.each([
  ['function long() {', '}', 'long'],
  ['const long = () => {', '};', 'long'],
  ['class A { long() {', '} }', 'long'],
  ['class A { constructor() {', '} }', 'constructor'],
  ['run(() => {', '});', 'passed to run'],
])('%s … is a function and has a length', (head, tail, name) => {
  expect(found('a.ts', `${head}\n${filled(3)}\n${tail}\n`)).toEqual([]);
  expect(found('a.ts', `${head}\n${filled(4)}\n${tail}\n`)).toEqual([
    `a.ts:1 function ${name} has 6 lines, above 5: split it`,
  ]);
});

test('what is handed to describe and it is counted by itself', () => {
  const short = `it('works', () => {\n${filled(3)}\n});\n`;
  expect(found('a.test.ts', `describe('all', () => {\n${short.repeat(3)}});\n`)).toEqual([]);
  expect(found('a.test.ts', `describe('all', () => {\nit.each([1])('works', () => {\n${filled(4)}\n});\n});\n`)).toEqual([
    'a.test.ts:2 function passed to it.each([1]) has 6 lines, above 5: split it',
  ]);
});

test('a ratchet holds what is too long, and only tightens', () => {
  const text = `function long() {\n${filled(6)}\n}\n`;
  expect(found('a.ts', text, { 'a.ts#long': 8 })).toEqual([]);
  expect(found('a.ts', text, { 'a.ts#long': 7 })).toEqual(['a.ts:1 function long has 8 lines, above 7: split it']);
  expect(found('a.ts', text, { 'a.ts#long': 9 })).toEqual([
    'a.ts:1 function long shrank to 8 lines: lower its ratchet from 9',
  ]);
  expect(found('a.ts', 'x;\n', { 'a.ts#long': 9 })).toEqual([
    'a.ts needs no exception any more: remove a.ts#long from the ratchet',
  ]);
});
