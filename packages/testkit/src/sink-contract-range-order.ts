import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyOrder, type Key, type LogicalType, type RowValues, type Table } from '@weir/sdk';
import { testSeed } from './seed.ts';
import { heldCells, type SinkDriver } from './sink-driver.ts';
import { SinkRun } from './sink-run.ts';

/** Keys of one type in their order, as canonical cells; bytes as hexadecimal digits. */
interface OrderCase {
  readonly type: LogicalType;
  readonly ordered: readonly string[];
}

/** Each type that a range can go by, with values that another order would put elsewhere. */
const orderCases: Readonly<Record<string, OrderCase>> = {
  string: {
    type: { kind: 'string' },
    ordered: [
      '', ' b', "'", '10', '9', 'A', 'B', '\\', 'a', 'a b', 'aa', 'c', 'zz', 'ß', 'Ä', 'ä', 'ｚ', '\uffff',
      '😀',
    ].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  },
  int16: { type: { kind: 'int', bits: 16 }, ordered: ['-32768', '-10', '-9', '0', '9', '10', '32767'] },
  int32: { type: { kind: 'int', bits: 32 }, ordered: ['-2147483648', '-1', '0', '2', '10', '2147483647'] },
  int64: {
    type: { kind: 'int', bits: 64 },
    ordered: [
      '-9223372036854775808', '-9007199254740993', '-9007199254740992', '-1', '0', '9007199254740992',
      '9007199254740993', '9223372036854775807',
    ],
  },
  uint32: { type: { kind: 'uint', bits: 32 }, ordered: ['0', '9', '10', '2147483648', '4294967295'] },
  uint64: {
    type: { kind: 'uint', bits: 64 },
    ordered: ['0', '9007199254740993', '9223372036854775808', '18446744073709551615'],
  },
  bool: { type: { kind: 'bool' }, ordered: ['f', 't'] },
  bytes: { type: { kind: 'bytes' }, ordered: ['', '00', '0000', '00ff', '01', '27', '5c', '7f', '80', 'ff', 'ff00'] },
  uuid: {
    type: { kind: 'uuid' },
    ordered: [
      '00000000-0000-0000-0000-000000000000',
      '00000000-0000-0000-ffff-ffffffffffff',
      '00000000-0000-0001-0000-000000000000',
      '7fffffff-ffff-ffff-ffff-ffffffffffff',
      '80000000-0000-0000-0000-000000000000',
      'ffffffff-ffff-ffff-ffff-ffffffffffff',
    ],
  },
  date: {
    type: { kind: 'date' },
    ordered: [
      '-infinity', '-004712-01-01', '-000043-03-15', '0000-12-31', '0001-01-01', '1969-12-31', '1970-01-01',
      '9999-12-31', '10000-01-01', 'infinity',
    ],
  },
  timestamp: {
    type: { kind: 'timestamp' },
    ordered: [
      '-infinity', '-000043-03-15T11:59:59.5', '1969-12-31T23:59:59.999999', '1970-01-01T00:00:00',
      '2026-01-02T03:04:05', '2026-01-02T03:04:05.1', '2026-01-02T03:04:05.12',
      '294246-12-31T23:59:59.999999', 'infinity',
    ],
  },
  timestamptz: {
    type: { kind: 'timestamptz' },
    ordered: [
      '-infinity', '-000043-03-15T00:00:00Z', '0000-02-29T12:00:00Z', '2026-01-02T03:04:05Z',
      '2026-01-02T03:04:05.000001Z', '2026-01-02T03:04:05.1Z', '2026-01-02T03:04:06Z',
      '10000-01-01T00:00:00Z', 'infinity',
    ],
  },
};

/** Random ones of the types that have many. */
const drawn: Readonly<Record<string, fc.Arbitrary<string>>> = {
  string: fc.string({ unit: 'binary', maxLength: 3 }).map((text) => text.replaceAll('\0', '\u0001')),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  uint64: fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 0n, max: 300n })).map(String),
  bytes: fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes).toString('hex')),
  uuid: fc.uuid(),
  date: fc
    .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
    .map((date) => date.toISOString().slice(0, 10)),
  timestamptz: fc
    .tuple(fc.date({ min: new Date('1900-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }), fc.nat(999))
    .map(([date, micros]) => `${date.toISOString().slice(0, -1)}${String(micros).padStart(3, '0')}`.replace(/\.?0+$/, ''))
    .map((text) => `${text}Z`),
};

function keyed(...types: readonly LogicalType[]): Table {
  const columns = types.map((type, index) => ({ name: `k${index}`, type, nullable: false, sourceType: 'x' }));
  const note = { name: 'note', type: { kind: 'string' }, nullable: true, sourceType: 'text' } as const;
  const key = types.map((_, index) => index + 1);
  return { namespace: 'public', name: 'keyed', version: 1, columns: [note, ...columns], key };
}

function rowOf(table: Table, key: Key): RowValues {
  const cells = table.key.map((column, part): [string, string | Uint8Array] => {
    const { name, type } = table.columns[column]!;
    return [name, type.kind === 'bytes' ? Buffer.from(key[part]!, 'hex') : key[part]!];
  });
  return { note: 'a note', ...Object.fromEntries(cells) };
}

/** A table of all those keys, whose order the sink knows from nothing that it was told. */
async function withKeys(driver: SinkDriver, table: Table, keys: readonly Key[]): Promise<SinkRun> {
  const run = await SinkRun.with(driver, table, (rows) => {
    for (const key of keys) rows.insert(table, rowOf(table, key));
  });
  return await run.restart();
}

export function describeRangeOrder(driver: SinkDriver): void {
  describe('the order of keys', () => {
    it.each(Object.keys(orderCases))('of %s is that of the source, between each two (invariants 7, 9)', async (name) => {
      const { type, ordered } = orderCases[name]!;
      const table = keyed(type);
      const keys = heldCells(driver, type, ordered).map((cell): Key => [cell]);
      await using run = await withKeys(driver, table, keys);
      const all = keys.map((key) => rowOf(table, key));
      for (let i = 0; i < keys.length; i++) {
        await run.copy(table, { after: keys[i - 1] ?? null, upTo: keys[i]! }, []);
        await run.commit();
        expect(await run.expectSame(table), `without ${name} ${i}`).toHaveLength(keys.length - 1);
        await run.copy(table, { after: keys[i - 1] ?? null, upTo: null }, all.slice(i));
        await run.commit();
        expect(await run.expectSame(table)).toHaveLength(keys.length);
      }
    });

    it.each(Object.keys(drawn))(
      `of %s is that of the source, for any keys (invariants 7, 9; WEIR_SEED=${testSeed})`,
      { timeout: 60_000 },
      async (name) => {
        const { type } = orderCases[name]!;
        const table = keyed({ kind: 'bool' }, type);
        const order = keyOrder(table)!;
        const key = fc.tuple(fc.constantFrom('f', 't'), drawn[name]!.filter((cell) => heldCells(driver, type, [cell]).length > 0));
        const keys = fc.uniqueArray(key, { selector: (cells) => cells.join(' '), minLength: 12, maxLength: 40 });
        const property = fc.asyncProperty(keys, async (cells) => {
          await using run = await withKeys(driver, table, cells.slice(4));
          const [a, b, c, d] = cells.slice(0, 4).toSorted(order) as unknown as [Key, Key, Key, Key];
          await run.copy(table, { after: a, upTo: b }, []);
          await run.copy(table, { after: c, upTo: d }, [rowOf(table, d)]);
          await run.commit();
          await run.expectSame(table);
        });
        await fc.assert(property, { seed: testSeed, numRuns: 5, endOnFailure: true });
      },
    );
  });
}
