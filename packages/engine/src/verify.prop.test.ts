import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BatchBuilder, type Batch, type Column, type Commit, type Table } from '@weir/sdk';
import { verifyTable, type DifferingKey, type Scan } from './verify.ts';

const seed = Number(process.env['WEIR_SEED'] ?? Date.now() % 2 ** 31);
console.info(`verify.prop.test.ts: WEIR_SEED=${seed}`);

const commit: Commit = { position: '0', version: 0n, time: 0, transactionId: '' };
type Value = string | null;
type Row = readonly Value[];

/** Few values, so that rows repeat and that values which a careless hash mixes up meet. */
const values = [null, '', '0', '1', '01', '10', 'a', 'b', 'ab', 'NULL', 'long value '.repeat(9)];
const value: fc.Arbitrary<Value> = fc.constantFrom(...values);

interface Case {
  table: Table;
  source: Row[];
  sink: Row[];
}

function column(name: string): Column {
  return { name, type: { kind: 'string' }, nullable: true, sourceType: 'text' };
}

const rowsOfTable = fc
  .record({ columns: fc.integer({ min: 1, max: 5 }), keyed: fc.integer({ min: 0, max: 2 }), wide: fc.boolean() })
  .chain(({ columns, keyed, wide }) => {
    const names = Array.from({ length: columns }, (_, index) => `c${index}`);
    // Reversed: the order of the key is not the order of the columns.
    const key = names.map((_, index) => index).slice(0, Math.min(keyed, columns)).toReversed();
    const table: Table = { namespace: 'public', name: 't', version: 1, columns: names.map(column), key };
    const cell = wide ? fc.oneof(value, fc.string(), fc.integer().map(String)) : value;
    const row = fc.array(cell, { minLength: columns, maxLength: columns });
    return fc.record({ table: fc.constant(table), rows: fc.array(row, { maxLength: 60 }) });
  });

/** Something done to the sink's rows; the numbers choose where. */
interface Mishap {
  kind: string;
  row: number;
  other: number;
  column: number;
  value: Value;
}

const mishap: fc.Arbitrary<Mishap> = fc.record({
  kind: fc.constantFrom('change', 'missing', 'extra', 'duplicate', 'null for empty', 'swap columns', 'swap rows', 'none'),
  row: fc.nat(),
  other: fc.nat(),
  column: fc.nat(),
  value,
});

function happen(rows: Row[], { kind, ...at }: Mishap): Row[] {
  if (rows.length === 0) return rows;
  const index = at.row % rows.length;
  const other = at.other % rows.length;
  const row = rows[index]!;
  const cell = at.column % row.length;
  const next = (at.column + 1) % row.length;
  switch (kind) {
    case 'change':
      return rows.with(index, row.with(cell, at.value));
    case 'missing':
      return rows.toSpliced(index, 1);
    case 'extra':
      return [...rows, row.with(cell, at.value)];
    case 'duplicate':
      return [...rows, row];
    case 'null for empty':
      return rows.with(index, row.map((old) => (old === null ? '' : old === '' ? null : old)));
    case 'swap columns':
      return rows.with(index, row.with(cell, row[next]!).with(next, row[cell]!));
    case 'swap rows':
      return rows.with(index, row.with(cell, rows[other]![cell]!)).with(other, rows[other]!.with(cell, row[cell]!));
    default:
      return rows;
  }
}

const cases: fc.Arbitrary<Case> = rowsOfTable.chain(({ table, rows }) =>
  fc.array(mishap, { maxLength: 4 }).chain((mishaps) => {
    const sink = mishaps.reduce(happen, rows as Row[]);
    return fc.record({
      table: fc.constant(table),
      source: fc.constant(rows),
      sink: fc.shuffledSubarray(sink, { minLength: sink.length }),
    });
  }),
);

/** A scan over rows in batches of any size, empty ones too, with the columns in another order where `turned`. */
function scanOf(
  table: Table,
  rows: readonly Row[],
  sizes: readonly number[],
  turned: boolean,
): Scan & { open: () => number } {
  const columns = turned ? table.columns.toReversed() : table.columns;
  const own: Table = { ...table, columns };
  let open = 0;
  const scan = async function* (): AsyncGenerator<Batch> {
    const builder = new BatchBuilder().begin(commit);
    for (let at = 0, turn = 0; at < rows.length || turn === 0; turn++) {
      const size = sizes[turn % sizes.length]!;
      for (const row of rows.slice(at, at + size)) {
        builder.read(own, Object.fromEntries(table.columns.map(({ name }, index) => [name, row[index]!])));
      }
      at += size;
      const batch = builder.build(null);
      open++;
      yield { ...batch, release: () => void open-- };
    }
  };
  return Object.assign(scan, { open: () => open });
}

function tally<T>(items: readonly T[], keyOf: (item: T) => unknown): Map<string, T[]> {
  return Map.groupBy(items, (item) => JSON.stringify(keyOf(item)));
}

function sameMultiset(a: readonly unknown[], b: readonly unknown[]): boolean {
  const sorted = (items: readonly unknown[]): string => JSON.stringify(items.map((item) => JSON.stringify(item)).toSorted());
  return sorted(a) === sorted(b);
}

interface Expected {
  columns: string[];
  duplicates: number[];
  problems: DifferingKey['problem'][];
}

/** The verdict by the plain definition. */
function expected({ table, source, sink }: Case): Expected {
  const keyOf = (row: Row): unknown => (table.key.length === 0 ? row : table.key.map((index) => row[index]));
  const ofSource = tally(source, keyOf);
  const ofSink = tally(sink, keyOf);
  const problems: DifferingKey['problem'][] = [];
  for (const key of new Set([...ofSource.keys(), ...ofSink.keys()])) {
    const a = ofSource.get(key) ?? [];
    const b = ofSink.get(key) ?? [];
    if (sameMultiset(a, b)) continue;
    if (table.key.length === 0) problems.push(a.length > b.length ? 'missing' : 'extra');
    else if (b.length === 0) problems.push('missing');
    else if (a.length === 0) problems.push('extra');
    else problems.push(a.length > 1 || b.length > 1 ? 'duplicate' : 'different');
  }
  const columns = table.columns.flatMap(({ name }, index) =>
    sameMultiset(source.map((row) => row[index]), sink.map((row) => row[index])) ? [] : [name],
  );
  const duplicates = table.key.length === 0 ? [0, 0] : [source.length - ofSource.size, sink.length - ofSink.size];
  return { columns, duplicates, problems };
}

describe('verifyTable', () => {
  test('finds every difference and flags no equal table, in any order and in any batches', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 4 });
    const input = fc.record({ verified: cases, sourceSizes: sizes, sinkSizes: sizes, turned: fc.boolean() });
    const seen = { equal: 0, different: 0 };
    const property = fc.asyncProperty(input, async ({ verified, sourceSizes, sinkSizes, turned }) => {
      const { table } = verified;
      const source = scanOf(table, verified.source, sourceSizes, false);
      const sink = scanOf(table, verified.sink, sinkSizes, turned);
      const verdict = await verifyTable(table, source, sink, new AbortController().signal, { memoryBytes: 1 << 18 });
      const { columns, duplicates, problems } = expected(verified);
      expect(verdict).toMatchObject({
        table: 'public.t',
        sourceRows: verified.source.length,
        sinkRows: verified.sink.length,
        differentColumns: columns,
        sourceDuplicates: duplicates[0],
        sinkDuplicates: duplicates[1],
        equal: problems.length === 0,
      });
      const found = verdict.differingKeys.map(({ problem }) => problem);
      if (problems.length <= 10) expect(found.toSorted()).toEqual(problems.toSorted());
      else expect(found).toHaveLength(10);
      expect([source.open(), sink.open()]).toEqual([0, 0]);
      seen[verdict.equal ? 'equal' : 'different']++;
    });
    await fc.assert(property, { seed, numRuns: 1500 });
    // The generator must give both kinds, or the property says little.
    expect(Math.min(seen.equal, seen.different)).toBeGreaterThan(100);
  });

  test('counts the same in the least memory, in many passes', async () => {
    const input = fc.record({ verified: cases, memoryBytes: fc.constantFrom(64, 128, 256) });
    const property = fc.asyncProperty(input, async ({ verified, memoryBytes }) => {
      const { table } = verified;
      const source = scanOf(table, verified.source, [7], false);
      const sink = scanOf(table, verified.sink, [11], false);
      const verdict = await verifyTable(table, source, sink, new AbortController().signal, { memoryBytes });
      const { duplicates, problems } = expected(verified);
      expect([verdict.sourceDuplicates, verdict.sinkDuplicates]).toEqual(duplicates);
      expect(verdict.equal).toBe(problems.length === 0);
      for (const { problem } of verdict.differingKeys) expect(problems).toContain(problem);
    });
    await fc.assert(property, { seed, numRuns: 500 });
  });
});
