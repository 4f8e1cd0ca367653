import { NULL_CELL, Spill } from '@weir/sdk';
import { expect } from 'vitest';
import type { TextRewrite } from '../cells/text/text-rewrite.ts';

const GUARD = 16;
const GUARD_BYTE = 0xa5;
const BEFORE = 'what was spilled before';

/** What a rewrite makes of a value's text in a slab, null for NULL; fails when it touches any byte around it. */
export function rewritten(rewrite: TextRewrite | null, text: Uint8Array): Buffer | null {
  if (rewrite === null) return Buffer.from(text);
  const data = new Uint8Array(text.length + 2 * GUARD).fill(GUARD_BYTE);
  data.set(text, GUARD);
  const whole = data.slice();
  if (rewrite.place === 'slab') {
    const length = rewrite.rewrite(data, GUARD, text.length);
    expect(length).toBeLessThanOrEqual(text.length);
    expect(data.subarray(0, GUARD)).toEqual(whole.subarray(0, GUARD));
    expect(data.subarray(GUARD + text.length)).toEqual(whole.subarray(GUARD + text.length));
    return length === NULL_CELL ? null : Buffer.from(data.subarray(GUARD, GUARD + length));
  }
  const spill = new Spill();
  spill.ascii(BEFORE);
  const isValue = rewrite.rewrite(data, GUARD, text.length, spill);
  expect(data, 'a rewrite into the spill leaves the slab as it is').toEqual(whole);
  expect(Buffer.from(spill.data.subarray(0, BEFORE.length)).toString()).toBe(BEFORE);
  if (!isValue) expect(spill.length).toBe(BEFORE.length);
  return isValue ? Buffer.from(spill.data.subarray(BEFORE.length, spill.length)) : null;
}
