import { expect, it } from 'vitest';
import { firstError } from './debezium.ts';

it('tells the first that Maven complains of', () => {
  const output = '[INFO] Scanning\n[ERROR] COMPILATION ERROR : \n[ERROR] Backlog.java:[1,1] missing\n';
  expect(firstError(output)).toBe('COMPILATION ERROR : ');
  expect(firstError('')).toBeNull();
});
