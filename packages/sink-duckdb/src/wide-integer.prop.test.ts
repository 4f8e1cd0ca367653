import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WideInteger } from './wide-integer.ts';

const words = new Uint32Array(4);

function write(value: bigint, count: 2 | 4): { fits: boolean; bits: bigint } {
  const wide = new WideInteger();
  wide.start();
  for (const digit of (value < 0n ? -value : value).toString()) wide.digit(Number(digit));
  const fits = wide.write(words, 0, count, value < 0n);
  return { fits, bits: Array.from(words.subarray(0, count)).reduceRight((bits, word) => (bits << 32n) | BigInt(word), 0n) };
}

describe('a wide integer', () => {
  it.each([64, 128] as const)(`of %i bits is two's complement, or does not fit (WEIR_SEED=${testSeed})`, (bits) => {
    const limit = 2n ** BigInt(bits - 1);
    const edges = [
      0n,
      -1n,
      1n,
      limit - 1n,
      limit,
      -limit,
      -limit - 1n,
      2n ** 32n,
      -(2n ** 32n),
      2n ** 64n,
      -(2n ** 64n),
      2n * limit - 1n,
      1n - 2n * limit,
    ];
    const most = bits === 64 ? 10n ** 20n : 10n ** 38n;
    const value = fc.oneof(fc.constantFrom(...edges), fc.bigInt(-most, most));
    const property = fc.property(value, (drawn) => {
      const fits = drawn >= -limit && drawn < limit;
      const written = write(drawn, bits === 64 ? 2 : 4);
      expect(written.fits).toBe(fits);
      if (fits) expect(BigInt.asIntN(bits, written.bits)).toBe(drawn);
    });
    fc.assert(property, { seed: testSeed, numRuns: 2000 });
  });
});
