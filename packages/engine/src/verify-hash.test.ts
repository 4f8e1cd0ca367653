import { describe, expect, test } from 'vitest';
import { HASH_WORDS, hashBytes } from './verify-hash.ts';

function hashed(data: Uint8Array, seed: number): Uint8Array {
  const out = new Uint32Array(HASH_WORDS);
  hashBytes(data, 0, data.length, seed, out, 0);
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  out.forEach((value, index) => view.setUint32(index * 4, value, true));
  return bytes;
}

describe('hashBytes', () => {
  test('is MurmurHash3_x86_128: its verification value of smhasher, over all lengths from 0 to 255', () => {
    const hashes = new Uint8Array(256 * 16);
    for (let length = 0; length < 256; length++) {
      hashes.set(hashed(Uint8Array.from({ length }, (_, i) => i), 256 - length), length * 16);
    }
    expect(new DataView(hashed(hashes, 0).buffer).getUint32(0, true)).toBe(0xb3ece62a);
  });

  test('reads only its range of the data and writes only its words', () => {
    const text = new TextEncoder().encode('The quick brown fox jumps over the lazy dog');
    const inside = new Uint8Array(text.length + 20).fill(0xee);
    inside.set(text, 7);
    const out = new Uint32Array(8).fill(9);
    hashBytes(inside, 7, 7 + text.length, 5, out, 2);
    expect([...out.subarray(0, 2), ...out.subarray(6)]).toEqual([9, 9, 9, 9]);
    const expected = new Uint32Array(HASH_WORDS);
    hashBytes(text, 0, text.length, 5, expected, 0);
    expect(out.slice(2, 6)).toEqual(expected);
  });
});
