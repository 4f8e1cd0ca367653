import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonText } from './json-text.ts';

const text = new JsonText();

function written(write: (to: JsonText) => void): string {
  text.clear();
  write(text);
  return Buffer.from(text.bytes).toString();
}

describe('JSON text', () => {
  it(`of any string is what JSON.stringify writes (WEIR_SEED=${testSeed})`, () => {
    const points = fc.array(fc.nat({ max: 0x10ffff }), { maxLength: 60 });
    const special = fc.string({ unit: fc.constantFrom('"', '\\', '\n', '\u0000', '\u007f', 'a', '€') });
    const strings = fc.oneof(
      points.map((numbers) => String.fromCodePoint(...numbers)),
      special,
    );
    fc.assert(
      fc.property(strings, (value) => {
        const utf8 = Buffer.from(value);
        expect(written((to) => to.string(utf8))).toBe(JSON.stringify(utf8.toString()));
      }),
      { seed: testSeed, numRuns: 200 },
    );
  });

  it(`of any bytes is their digits behind a \\x (WEIR_SEED=${testSeed})`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => {
        const read = JSON.parse(written((to) => to.hex(bytes))) as string;
        expect(read).toBe(`\\x${Buffer.from(bytes).toString('hex')}`);
      }),
      { seed: testSeed, numRuns: 100 },
    );
  });

  it('goes on behind what is there, and gives a large buffer back', () => {
    text.clear();
    text.raw('[');
    text.string(Buffer.from('"'.repeat(3_000_000)));
    text.raw(']');
    expect(JSON.parse(Buffer.from(text.bytes).toString())).toEqual(['"'.repeat(3_000_000)]);
    text.clear();
    expect(text.length).toBe(0);
    expect(text.bytes.buffer.byteLength).toBeLessThan(2 ** 16);
  });
});
