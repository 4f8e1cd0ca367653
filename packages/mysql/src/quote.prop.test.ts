import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { quoteIdentifier, quoteLiteral } from './quote.ts';

const text = fc.string({ unit: fc.oneof(fc.constantFrom(...Array.from('\'\\`"\0%')), fc.string({ unit: 'binary', maxLength: 1 })) });

test('a literal is one quoted text, and reads as it was', () => {
  fc.assert(
    fc.property(text, (value) => {
      const inner = /^'((?:[^'\\]|\\[^])*)'$/.exec(quoteLiteral(value))?.[1];
      expect(inner?.replace(/\\([^])/g, (_, character: string) => (character === '0' ? '\0' : character))).toBe(value);
    }),
    { seed: testSeed, numRuns: 1000 },
  );
});

test('a name is one quoted name; none holds a NUL', () => {
  fc.assert(
    fc.property(text, (value) => {
      if (value.includes('\0')) {
        expect(() => quoteIdentifier(value)).toThrow(/NUL/);
        return;
      }
      const inner = /^`((?:[^`]|``)*)`$/.exec(quoteIdentifier(value))?.[1];
      expect(inner?.replaceAll('``', '`')).toBe(value);
    }),
    { seed: testSeed, numRuns: 1000 },
  );
});
