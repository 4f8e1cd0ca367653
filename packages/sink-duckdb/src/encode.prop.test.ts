import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { describe, it, expect } from 'vitest';
import { float32Text, float64Text, type LogicalType } from '@weir/sdk';
import { dateFromDays } from './calendar.ts';
import { OneColumn } from './testing/one-column.ts';

const pad = (value: number, digits: number): string => String(value).padStart(digits, '0');

const date = fc.integer({ min: -2_440_588, max: 105_000_000 }).map((days) => {
  const { year, month, day } = dateFromDays(days);
  return `${year < 0 ? `-${pad(-year, 6)}` : pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
});
const time = fc.nat(86_399).chain((second) =>
  fc.nat(999_999).map((micros) => {
    const fraction = micros === 0 ? '' : `.${pad(micros, 6).replace(/0+$/, '')}`;
    return `${pad(Math.floor(second / 3600), 2)}:${pad(Math.floor(second / 60) % 60, 2)}:${pad(second % 60, 2)}${fraction}`;
  }),
);

function decimal(precision: number, scale: number): fc.Arbitrary<string> {
  const limit = 10n ** BigInt(precision) - 1n;
  return fc.oneof(fc.bigInt(-limit, limit), fc.bigInt(-1000n, 1000n)).map((value) => {
    const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
    const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
    return value < 0n ? `-${text}` : text;
  });
}

const cases: readonly { name: string; type: LogicalType; cells: fc.Arbitrary<string> }[] = [
  { name: 'int32', type: { kind: 'int', bits: 32 }, cells: fc.integer().map(String) },
  { name: 'int64', type: { kind: 'int', bits: 64 }, cells: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(String) },
  { name: 'uint64', type: { kind: 'uint', bits: 64 }, cells: fc.bigInt(0n, 2n ** 64n - 1n).map(String) },
  { name: 'decimal(4, 1)', type: { kind: 'decimal', precision: 4, scale: 1 }, cells: decimal(4, 1) },
  { name: 'decimal(9, 9)', type: { kind: 'decimal', precision: 9, scale: 9 }, cells: decimal(9, 9) },
  { name: 'decimal(18, 0)', type: { kind: 'decimal', precision: 18, scale: 0 }, cells: decimal(18, 0) },
  { name: 'decimal(38, 17)', type: { kind: 'decimal', precision: 38, scale: 17 }, cells: decimal(38, 17) },
  { name: 'float64', type: { kind: 'float', bits: 64 }, cells: fc.double().map(float64Text) },
  { name: 'float32', type: { kind: 'float', bits: 32 }, cells: fc.float().map(float32Text) },
  { name: 'string', type: { kind: 'string' }, cells: fc.string({ unit: 'binary', maxLength: 40 }) },
  { name: 'uuid', type: { kind: 'uuid' }, cells: fc.uuid() },
  { name: 'date', type: { kind: 'date' }, cells: date },
  { name: 'time', type: { kind: 'time' }, cells: time },
  { name: 'timestamp', type: { kind: 'timestamp' }, cells: fc.tuple(date, time).map((parts) => parts.join('T')) },
];

describe('any cell', () => {
  it.each(cases)(`of $name comes back with the same bytes (invariant 9; WEIR_SEED=${testSeed})`, async ({ type, cells }) => {
    const property = fc.asyncProperty(fc.array(fc.option(cells), { maxLength: 300, size: 'max' }), async (drawn) => {
      await using column = await OneColumn.of(type, drawn);
      expect(await column.cells()).toEqual(drawn);
    });
    await fc.assert(property, { seed: testSeed, numRuns: 6 });
  });
});
