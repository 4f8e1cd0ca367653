import type { CellRewrite } from '@weir/pgoutput';
import { expect, test } from 'vitest';
import { rewriteBytea, rewriteDate, rewriteTimestamp, rewriteTimestamptz, rewriteTimetz } from './rewrite-cell.ts';
import { rewritten } from './testing/rewritten.ts';

const cases: readonly (readonly [type: string, rewrite: CellRewrite, text: string, canonical: string])[] = [
  ['bytea', rewriteBytea, '\\x', ''],
  ['bytea', rewriteBytea, '\\x41', 'A'],
  ['bytea', rewriteBytea, '\\x0a5C62', '\n\\b'],
  ['date', rewriteDate, '2024-02-29', '2024-02-29'],
  ['date', rewriteDate, '5874897-12-31', '5874897-12-31'],
  ['date', rewriteDate, '0001-12-31 BC', '0000-12-31'],
  ['date', rewriteDate, '0002-01-01 BC', '-000001-01-01'],
  ['date', rewriteDate, '4713-01-01 BC', '-004712-01-01'],
  ['date', rewriteDate, 'infinity', 'infinity'],
  ['date', rewriteDate, '-infinity', '-infinity'],
  ['timestamp', rewriteTimestamp, '2024-02-29 12:34:56', '2024-02-29T12:34:56'],
  ['timestamp', rewriteTimestamp, '294276-12-31 23:59:59.999999', '294276-12-31T23:59:59.999999'],
  ['timestamp', rewriteTimestamp, '0001-03-15 10:00:00.5 BC', '0000-03-15T10:00:00.5'],
  ['timestamp', rewriteTimestamp, '0044-03-15 10:00:00 BC', '-000043-03-15T10:00:00'],
  ['timestamp', rewriteTimestamp, 'infinity', 'infinity'],
  ['timestamp', rewriteTimestamp, '-infinity', '-infinity'],
  ['timestamptz', rewriteTimestamptz, '2024-02-29 12:34:56.1+00', '2024-02-29T12:34:56.1Z'],
  ['timestamptz', rewriteTimestamptz, '294276-12-31 23:59:59.999999+00', '294276-12-31T23:59:59.999999Z'],
  ['timestamptz', rewriteTimestamptz, '0001-03-15 10:00:00+00 BC', '0000-03-15T10:00:00Z'],
  ['timestamptz', rewriteTimestamptz, '0044-03-15 10:00:00.000001+00 BC', '-000043-03-15T10:00:00.000001Z'],
  ['timestamptz', rewriteTimestamptz, 'infinity', 'infinity'],
  ['timestamptz', rewriteTimestamptz, '-infinity', '-infinity'],
  ['timetz', rewriteTimetz, '12:00:00+00', '12:00:00+00:00'],
  ['timetz', rewriteTimetz, '24:00:00.000001-05', '24:00:00.000001-05:00'],
  ['timetz', rewriteTimetz, '12:00:00+05:30', '12:00:00+05:30'],
  ['timetz', rewriteTimetz, '12:00:00-15:59:59', '12:00:00-15:59:59'],
];

test.each(cases.map(([type, ...rest]) => [`${type} ${rest[1]} becomes ${rest[2]}`, ...rest] as const))(
  '%s',
  (_, rewrite, text, canonical) => {
    expect(rewritten(rewrite, text).toString()).toBe(canonical);
  },
);
