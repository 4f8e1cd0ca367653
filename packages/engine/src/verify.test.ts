import { describe, expect, test } from 'vitest';
import {
  BatchBuilder,
  unchanged,
  type Batch,
  type Column,
  type Commit,
  type LogicalType,
  type RowValues,
  type Table,
} from '@weir/sdk';
import { verifyTable, type Scan } from './verify.ts';

const commit: Commit = { position: '0', version: 0n, time: 0, transactionId: '' };
const { signal } = new AbortController();

function column(name: string, type: LogicalType): Column {
  return { name, type, nullable: true, sourceType: type.kind };
}

const orders: Table = {
  namespace: 'public',
  name: 'orders',
  version: 1,
  columns: [
    column('id', { kind: 'int', bits: 64 }),
    column('region', { kind: 'string' }),
    column('note', { kind: 'string' }),
    column('photo', { kind: 'bytes' }),
  ],
  key: [0],
};
const byRegion: Table = { ...orders, key: [1, 0] };
const keyless: Table = { ...orders, key: [] };

function batchOf(table: Table, rows: readonly RowValues[]): Batch {
  const builder = new BatchBuilder().begin(commit);
  for (const row of rows) builder.read(table, row);
  return builder.build(null);
}

function scanOf(table: Table, rows: readonly RowValues[]): Scan {
  return async function* () {
    yield batchOf(table, rows);
  };
}

function verify(table: Table, source: readonly RowValues[], sink: readonly RowValues[]): ReturnType<typeof verifyTable> {
  return verifyTable(table, scanOf(table, source), scanOf(table, sink), signal);
}

const rows: readonly RowValues[] = [
  { id: 1, region: 'eu', note: 'a', photo: Uint8Array.of(1) },
  { id: 2, region: 'us', note: null, photo: null },
  { id: 3, region: 'us', note: '', photo: null },
];

describe('equal tables', () => {
  test('of any order are equal', async () => {
    expect(await verify(orders, rows, rows.toReversed())).toEqual({
      table: 'public.orders',
      sourceRows: 3,
      sinkRows: 3,
      differentColumns: [],
      sourceDuplicates: 0,
      sinkDuplicates: 0,
      differingKeys: [],
      equal: true,
    });
  });

  test('may be empty', async () => {
    expect(await verify(orders, [], [])).toMatchObject({ sourceRows: 0, equal: true });
  });

  test('are read once each', async () => {
    let scans = 0;
    const scan = (): AsyncIterable<Batch> => {
      scans++;
      return scanOf(orders, rows)(signal);
    };
    await verifyTable(orders, scan, scan, signal);
    expect(scans).toBe(2);
  });
});

describe('differences', () => {
  test('are named by key and by what is wrong', async () => {
    const source = Array.from({ length: 100 }, (_, id) => ({ id, region: 'eu', note: `note ${id}`, photo: null }));
    const sink = [
      ...source.slice(0, 17),
      ...source.slice(18, 40),
      { ...source[40]!, note: 'changed' },
      ...source.slice(41),
      source[60]!,
      { id: 100, region: 'eu', note: null, photo: null },
    ];
    const verdict = await verify(orders, source, sink);
    expect(verdict).toMatchObject({ sourceRows: 100, sinkRows: 101, sourceDuplicates: 0, sinkDuplicates: 1, equal: false });
    expect(new Set(verdict.differingKeys)).toEqual(
      new Set([
        { key: '(id=17)', problem: 'missing' },
        { key: '(id=40)', problem: 'different' },
        { key: '(id=60)', problem: 'duplicate' },
        { key: '(id=100)', problem: 'extra' },
      ]),
    );
  });

  test('are found between NULL and the empty text, in the column that has it', async () => {
    const verdict = await verify(orders, rows, [rows[0]!, { ...rows[1]!, note: '' }, rows[2]!]);
    expect(verdict).toMatchObject({
      differentColumns: ['note'],
      differingKeys: [{ key: '(id=2)', problem: 'different' }],
      equal: false,
    });
  });

  test('are found when two rows swapped their values, though every column holds the same', async () => {
    const sink: RowValues[] = [rows[0]!, { ...rows[1]!, note: rows[2]!['note']! }, { ...rows[2]!, note: rows[1]!['note']! }];
    const verdict = await verify(orders, rows, sink);
    expect(verdict).toMatchObject({ differentColumns: [], equal: false });
    expect(new Set(verdict.differingKeys.map(({ key }) => key))).toEqual(new Set(['(id=2)', '(id=3)']));
  });

  test('of which there are many show ten keys, the same whatever the order', async () => {
    const source = Array.from({ length: 5000 }, (_, id) => ({ id, region: 'eu', note: 'a', photo: null }));
    const sink = source.map((row) => ({ ...row, note: row.id % 2 === 0 ? 'a' : 'b' }));
    const verdict = await verify(orders, source, sink);
    expect(verdict.differingKeys).toHaveLength(10);
    for (const { key, problem } of verdict.differingKeys) {
      expect(problem).toBe('different');
      expect(Number(/^\(id=(\d+)\)$/.exec(key)![1]) % 2).toBe(1);
    }
    expect((await verify(orders, source.toReversed(), sink)).differingKeys).toEqual(verdict.differingKeys);
  });

  test('in a table without a key are found by counting equal rows', async () => {
    const row = rows[1]!;
    const turned = await verify(keyless, [row, row, rows[0]!], [row, rows[0]!, row]);
    expect(turned).toMatchObject({ equal: true, sourceDuplicates: 0 });
    expect(await verify(keyless, [row, row], [row])).toMatchObject({
      equal: false,
      differingKeys: [{ key: '(id=2, region=us, note=NULL, photo=NULL)', problem: 'missing' }],
    });
    expect((await verify(keyless, [row], [row, row])).differingKeys).toMatchObject([{ problem: 'extra' }]);
  });

  test('are found when a repeated row stands for another as often', async () => {
    const [a, b] = [rows[0]!, rows[1]!];
    expect(await verify(keyless, [a, a, b], [a, b, b])).toMatchObject({ equal: false });
    expect(await verify(keyless, [a, a, a, b], [a, b, b, b])).toMatchObject({ equal: false });
  });

  test('of a column that the sink lacks are not taken for NULL', async () => {
    const narrow: Table = { ...orders, columns: orders.columns.slice(0, 3) };
    const nulls = [{ id: 1, region: 'eu', note: 'a', photo: null }];
    const verdict = await verifyTable(orders, scanOf(orders, nulls), scanOf(narrow, nulls), signal);
    expect(verdict).toMatchObject({ differentColumns: ['photo'], equal: false });
  });
});

describe('the key that is shown', () => {
  async function shown(table: Table, row: RowValues): Promise<string> {
    return (await verify(table, [row], [])).differingKeys[0]!.key;
  }

  test('has its columns in key order, NULL and bytes readable', async () => {
    expect(await shown(byRegion, { id: 7, region: 'eu' })).toBe('(region=eu, id=7)');
    expect(await shown(byRegion, { id: 7 })).toBe('(region=NULL, id=7)');
    expect(await shown({ ...orders, key: [3] }, { photo: Uint8Array.of(0, 255) })).toBe(String.raw`(photo=\x00ff)`);
  });

  test('is cut, and gives a terminal nothing to obey', async () => {
    const key = await shown({ ...orders, key: [1] }, { region: `\u001b[31m${'ж'.repeat(1000)}` });
    expect(key).toMatch(/^\(region=\\u\{1b\}\[31mж+…\)$/);
    expect(key.length).toBeLessThan(80);
  });
});

describe('a scan', () => {
  test('that gives anything but whole read rows is refused', async () => {
    const bad = [
      new BatchBuilder().begin(commit).insert(orders, rows[0]!).build(null),
      new BatchBuilder().begin(commit).message('prefix', Uint8Array.of(1)).build(null),
      new BatchBuilder().begin(commit).read(orders, { ...rows[0]!, note: unchanged }).build(null),
    ];
    for (const batch of bad) {
      const scan: Scan = async function* () {
        yield batch;
      };
      await expect(verifyTable(orders, scan, scanOf(orders, []), signal)).rejects.toMatchObject({ code: 'WEIR_SDK_USE' });
    }
  });

  test('that fails ends the verification with its error, is closed, and has its batches released', async () => {
    let open = 0;
    const scan: Scan = async function* () {
      for (let i = 0; i < 3; i++) {
        open++;
        yield { ...batchOf(orders, rows), release: () => void open-- };
      }
      throw new Error('connection lost');
    };
    await expect(verifyTable(orders, scanOf(orders, rows), scan, signal)).rejects.toThrow('connection lost');
    expect(open).toBe(0);
  });

  test('ends with the reason of an abort, also when it takes no notice of it', async () => {
    const controller = new AbortController();
    let [open, closed] = [0, false];
    const scan: Scan = async function* () {
      try {
        for (let i = 0; i < 1000; i++) {
          if (i === 2) controller.abort(new Error('stopped by a person'));
          open++;
          yield { ...batchOf(orders, rows), release: () => void open-- };
        }
      } finally {
        closed = true;
      }
    };
    await expect(verifyTable(orders, scan, scan, controller.signal)).rejects.toThrow('stopped by a person');
    expect([open, closed]).toEqual([0, true]);
    await expect(verifyTable(orders, scan, scan, controller.signal)).rejects.toThrow('stopped by a person');
  });
});
