import { describe, expect, test } from 'vitest';
import { bytes, count, elapsed, rows, span } from './quantities.ts';
import { textTable } from './text-table.ts';
import { fit, pad, printable, textWidth, wrap } from './text-width.ts';

describe('quantities', () => {
  test.each([
    [0, '0 B'],
    [1023, '1,023 B'],
    [1024, '1.0 KiB'],
    [10 * 1024, '10 KiB'],
    [1023.9 * 1024, '1.0 MiB'],
    [340 * 2 ** 20, '340 MiB'],
    [5 * 2 ** 50, '5,120 TiB'],
  ])('%d bytes are %s', (value, text) => expect(bytes(value)).toBe(text));

  test.each([
    [-5, '0 ms'],
    [42.4, '42 ms'],
    [999.7, '1.0 s'],
    [9949, '9.9 s'],
    [61_000, '61 s'],
    [3_600_000, '60 min'],
    [7_200_000, '2 h'],
    [172_800_000, '2 days'],
  ])('%d ms are %s', (value, text) => expect(span(value)).toBe(text));

  test('clocks and counts', () => {
    expect([elapsed(0), elapsed(42_900), elapsed(723_000), elapsed(3_723_000)]).toEqual([
      '0:00',
      '0:42',
      '12:03',
      '1:02:03',
    ]);
    expect([count(1234.6), rows(1), rows(1234)]).toEqual(['1,235', '1 row', '1,234 rows']);
  });
});

describe('width', () => {
  test.each([
    ['abc', 3],
    ['表a', 3],
    ['e\u0301', 1],
    ['\u001B[31mred\u001B[39m', 3],
    ['', 0],
  ])('%j takes %i columns', (text, width) => expect(textWidth(text)).toBe(width));

  test('fit cuts with an ellipsis and closes colours', () => {
    expect(fit('abcdef', 6)).toBe('abcdef');
    expect(fit('abcdef', 5)).toBe('abcd…');
    expect(fit('表表表', 5)).toBe('表表…');
    expect(fit('\u001B[31mabcdef\u001B[39m', 4)).toBe('\u001B[31mabc…\u001B[0m');
    expect(fit('abc', 0)).toBe('');
  });

  test('wrap breaks at blanks', () => {
    expect(wrap('one two three fourteen 15', 9)).toEqual(['one two', 'three', 'fourteen', '15']);
    expect(wrap('', 5)).toEqual(['']);
  });

  test('pad fills either side', () => {
    expect([pad('表', 4), pad('1', 3, 'right'), pad('long', 2)]).toEqual(['表  ', '  1', 'long']);
  });

  test('printable', () => {
    expect(printable('a\u001B[2Jb\nc\td\u0000')).toBe('ab⏎c d�');
  });
});

describe('textTable', () => {
  test('aligns numbers to the right and shows NULL', () => {
    expect(
      textTable(
        ['id', 'name'],
        [
          ['1', 'Ann'],
          ['10', null],
        ],
      ),
    ).toEqual(['id  name', '──  ────', ' 1  Ann', '10  NULL']);
  });

  test('is cut to the terminal, the widest column first', () => {
    const lines = textTable(['id', 'text'], [['1', 'x'.repeat(200)]], { width: 30 });
    for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(30);
    expect(lines[2]).toBe(` 1  ${'x'.repeat(25)}…`);
  });

  test('without rows', () => {
    expect(textTable(['a'], [])).toEqual(['a', '─']);
  });
});
