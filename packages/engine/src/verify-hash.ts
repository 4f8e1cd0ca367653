/** Words of one hash. */
export const HASH_WORDS = 4;

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

function rotl(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function finalMix(value: number): number {
  let h = value ^ (value >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Up to 4 bytes as a little-endian word, zeros after `end`. */
function word(data: Uint8Array, at: number, end: number): number {
  if (at + 4 <= end) return data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24);
  let value = 0;
  for (let i = at, shift = 0; i < end; i++, shift += 8) value |= data[i]! << shift;
  return value;
}

/**
 * MurmurHash3_x86_128 of `data[start, end)`, written to `out[at]` … `out[at + 3]`. Well mixed, not keyed: it finds
 * accidents, not attacks. The algorithm is in the public domain: https://github.com/aappleby/smhasher, `MurmurHash3.cpp`.
 *
 * @param seed 32 bits
 */
export function hashBytes(data: Uint8Array, start: number, end: number, seed: number, out: Uint32Array, at: number): void {
  let h1 = seed | 0;
  let h2 = h1;
  let h3 = h1;
  let h4 = h1;
  let i = start;
  for (; i + 16 <= end; i += 16) {
    h1 ^= Math.imul(rotl(Math.imul(word(data, i, end), C1), 15), C2);
    h1 = (Math.imul((rotl(h1, 19) + h2) | 0, 5) + 0x561ccd1b) | 0;
    h2 ^= Math.imul(rotl(Math.imul(word(data, i + 4, end), C2), 16), C3);
    h2 = (Math.imul((rotl(h2, 17) + h3) | 0, 5) + 0x0bcaa747) | 0;
    h3 ^= Math.imul(rotl(Math.imul(word(data, i + 8, end), C3), 17), C4);
    h3 = (Math.imul((rotl(h3, 15) + h4) | 0, 5) + 0x96cd1c35) | 0;
    h4 ^= Math.imul(rotl(Math.imul(word(data, i + 12, end), C4), 18), C1);
    h4 = (Math.imul((rotl(h4, 13) + h1) | 0, 5) + 0x32ac3b17) | 0;
  }
  // A word of zeros changes nothing here, so the words that the tail does not reach need no case of their own.
  if (i < end) {
    h1 ^= Math.imul(rotl(Math.imul(word(data, i, end), C1), 15), C2);
    h2 ^= Math.imul(rotl(Math.imul(word(data, i + 4, end), C2), 16), C3);
    h3 ^= Math.imul(rotl(Math.imul(word(data, i + 8, end), C3), 17), C4);
    h4 ^= Math.imul(rotl(Math.imul(word(data, i + 12, end), C4), 18), C1);
  }
  const length = end - start;
  h2 ^= length;
  h3 ^= length;
  h4 ^= length;
  h1 = ((h1 ^ length) + h2 + h3 + h4) | 0;
  h2 = finalMix((h2 + h1) | 0);
  h3 = finalMix((h3 + h1) | 0);
  h4 = finalMix((h4 + h1) | 0);
  h1 = (finalMix(h1) + h2 + h3 + h4) | 0;
  out[at] = h1;
  out[at + 1] = h2 + h1;
  out[at + 2] = h3 + h1;
  out[at + 3] = h4 + h1;
}
