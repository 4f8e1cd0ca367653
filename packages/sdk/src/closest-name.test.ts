import { describe, expect, test } from 'vitest';
import { closestName } from './closest-name.ts';

describe('closestName', () => {
  const names = ['source', 'sinks', 'buffer', 'buffer_bytes', 'shutdown_timeout'];

  test.each([
    ['sorce', 'source'],
    ['Source', 'source'],
    ['sniks', 'sinks'],
    ['bufer_bytes', 'buffer_bytes'],
    ['shutdown_timeuot', 'shutdown_timeout'],
    ['sources', 'source'],
    ['x', null],
    ['transforms', null],
    ['', null],
  ])('%s → %s', (name, expected) => {
    expect(closestName(name, names)).toBe(expected);
  });

  test('nothing to choose from', () => {
    expect(closestName('source', [])).toBeNull();
  });
});
