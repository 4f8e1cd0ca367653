import { describe, expect, test } from 'vitest';
import { formatLsn, parseLsn } from './lsn.ts';

describe('LSN text', () => {
  test.each([
    ['0/0', 0n],
    ['0/16B3748', 0x16b3748n],
    ['16/B374D848', 0x16_b374_d848n],
    ['FFFFFFFF/FFFFFFFF', 2n ** 64n - 1n],
  ])('%s is read and written', (text, lsn) => {
    expect(parseLsn(text)).toBe(lsn);
    expect(formatLsn(lsn)).toBe(text);
  });

  test('small letters and leading zeros are read', () => {
    expect(parseLsn('00000001/0000abcd')).toBe(0x1_0000_abcdn);
  });

  test.each(['', '0', '/', '0/', '/0', '0/G', '0/123456789', '123456789/0', ' 0/1', '0/1\n', '0x0/1', '-1/0'])(
    '%j is refused',
    (text) => {
      expect(() => parseLsn(text)).toThrow(expect.objectContaining({ code: 'WEIR_PGOUTPUT_DAMAGED' }));
    },
  );

  test.each([-1n, 2n ** 64n])('%s does not fit', (lsn) => {
    expect(() => formatLsn(lsn)).toThrow(RangeError);
  });
});
