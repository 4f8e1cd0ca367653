import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rewriteBytea, rewriteDate, rewriteTimestamp, rewriteTimestamptz, rewriteTimetz } from './rewrite-cell.ts';
import { rewritten } from './testing/rewritten.ts';

const parameters = { seed: testSeed, numRuns: 1000 };

function digits(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

/** A year as PostgreSQL counts, without a year 0: negative is BC. */
const year = fc.oneof(fc.integer({ min: -4713, max: -1 }), fc.integer({ min: 1, max: 294_276 }));
const day = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 31 }))
  .map((parts) => parts.map((part) => digits(part, 2)).join('-'));
const fraction = fc.oneof(
  fc.constant(''),
  fc.integer({ min: 1, max: 999_999 }).map((part) => `.${digits(part, 6).replace(/0+$/, '')}`),
);
const time = fc
  .tuple(fc.integer({ min: 0, max: 24 }), fc.integer({ min: 0, max: 59 }), fc.integer({ min: 0, max: 59 }), fraction)
  .map(([hour, minute, second, part]) => `${digits(hour, 2)}:${digits(minute, 2)}:${digits(second, 2)}${part}`);

/** The year as the server prints it, and what it appends. */
function printed(value: number): { text: string; era: string } {
  return { text: digits(Math.abs(value), 4), era: value < 0 ? ' BC' : '' };
}

/** ISO 8601 has a year 0, which is 1 BC. */
function isoYear(value: number): string {
  if (value > 0) return digits(value, 4);
  return value === -1 ? '0000' : `-${digits(-value - 1, 6)}`;
}

test('dates and timestamps of any year become ISO 8601', () => {
  fc.assert(
    fc.property(year, day, time, (value, date, clock) => {
      const { text, era } = printed(value);
      expect(rewritten(rewriteDate, `${text}-${date}${era}`).toString()).toBe(`${isoYear(value)}-${date}`);
      expect(rewritten(rewriteTimestamp, `${text}-${date} ${clock}${era}`).toString()).toBe(
        `${isoYear(value)}-${date}T${clock}`,
      );
      expect(rewritten(rewriteTimestamptz, `${text}-${date} ${clock}+00${era}`).toString()).toBe(
        `${isoYear(value)}-${date}T${clock}Z`,
      );
    }),
    parameters,
  );
});

test('offsets have hours and minutes', () => {
  const part = fc.integer({ min: 0, max: 59 });
  fc.assert(
    fc.property(
      time,
      fc.constantFrom('+', '-'),
      fc.integer({ min: 0, max: 15 }),
      part,
      part,
      (clock, sign, hour, minute, second) => {
        const hours = `${clock}${sign}${digits(hour, 2)}`;
        const minutes = `${hours}:${digits(minute, 2)}`;
        expect(rewritten(rewriteTimetz, hours).toString()).toBe(`${hours}:00`);
        expect(rewritten(rewriteTimetz, minutes).toString()).toBe(minutes);
        expect(rewritten(rewriteTimetz, `${minutes}:${digits(second, 2)}`).toString()).toBe(
          `${minutes}:${digits(second, 2)}`,
        );
      },
    ),
    parameters,
  );
});

test('bytea becomes its bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(rewritten(rewriteBytea, `\\x${Buffer.from(bytes).toString('hex')}`)).toEqual(Buffer.from(bytes));
    }),
    parameters,
  );
});
