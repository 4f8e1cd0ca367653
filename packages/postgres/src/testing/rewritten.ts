import { Spill } from '@weir/sdk';
import { expect } from 'vitest';
import type { TypeMapping } from '../type-mapping.ts';

const GUARD = 16;
const GUARD_BYTE = 0xa5;
const BEFORE = 'what was spilled before';

/** What a rewrite makes of a cell's bytes in a slab; fails when it touches any byte around them. */
export function rewritten(rewrite: TypeMapping['rewrite'], cell: string): Buffer {
  const bytes = Buffer.from(cell);
  const data = new Uint8Array(bytes.length + 2 * GUARD).fill(GUARD_BYTE);
  data.set(bytes, GUARD);
  const whole = data.slice();
  if (rewrite === null) return bytes;
  if (rewrite.place === 'slab') {
    const length = rewrite.rewrite(data, GUARD, bytes.length);
    expect(length).toBeLessThanOrEqual(bytes.length);
    for (let i = 0; i < GUARD; i++) expect([data[i], data[data.length - 1 - i]]).toEqual([GUARD_BYTE, GUARD_BYTE]);
    return Buffer.from(data.subarray(GUARD, GUARD + length));
  }
  const spill = new Spill();
  spill.ascii(BEFORE);
  rewrite.rewrite(data, GUARD, bytes.length, spill);
  expect(data, 'a rewrite into the spill leaves the slab as it is').toEqual(whole);
  expect(Buffer.from(spill.data.subarray(0, BEFORE.length)).toString()).toBe(BEFORE);
  return Buffer.from(spill.data.subarray(BEFORE.length, spill.length));
}
