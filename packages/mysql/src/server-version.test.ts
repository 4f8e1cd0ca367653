import { describe, expect, it } from 'vitest';
import { isAtLeast, parseVersion } from './server-version.ts';

describe('the version of a server', () => {
  it.each([
    ['9.7.0', 'mysql', [9, 7, 0]],
    ['8.0.36-0ubuntu0.22.04.1', 'mysql', [8, 0, 36]],
    ['11.8.2-MariaDB-ubu2404', 'mariadb', [11, 8, 2]],
    ['5.5.5-10.6.18-MariaDB-log', 'mariadb', [10, 6, 18]],
  ])('%s', (text, flavour, numbers) => {
    expect(parseVersion(text)).toEqual({ flavour, numbers, text });
  });

  it('is compared number by number', () => {
    const version = parseVersion('8.0.23');
    expect([isAtLeast(version, 8, 0, 23), isAtLeast(version, 8, 0, 24), isAtLeast(version, 7, 9, 99)]).toEqual([true, false, true]);
    expect(isAtLeast(parseVersion('10.11.6-MariaDB'), 10, 6, 0)).toBe(true);
  });
});
