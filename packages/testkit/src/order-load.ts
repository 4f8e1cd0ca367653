import { performance } from 'node:perf_hooks';
import {
  BATCH_ROWS,
  BatchBuilder,
  BatchWriter,
  Op,
  unchanged,
  type Batch,
  type CellValue,
  type RowValues,
  type Sink,
  type Table,
  type TransactionalSession,
} from '@weir/sdk';

/** The table of 8 columns that the benches of sinks load. */
export const loadTable: Table = {
  namespace: 'public',
  name: 'orders',
  version: 1,
  key: [1],
  columns: [
    { name: 'customer', type: { kind: 'int', bits: 32 }, nullable: false, sourceType: 'integer' },
    { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false, sourceType: 'bigint' },
    { name: 'city', type: { kind: 'string' }, nullable: true, sourceType: 'text' },
    { name: 'address', type: { kind: 'string' }, nullable: true, sourceType: 'text' },
    { name: 'total', type: { kind: 'decimal', precision: 12, scale: 2 }, nullable: true, sourceType: 'numeric(12,2)' },
    { name: 'placed', type: { kind: 'timestamptz' }, nullable: true, sourceType: 'timestamptz' },
    { name: 'details', type: { kind: 'json' }, nullable: true, sourceType: 'jsonb' },
    { name: 'paid', type: { kind: 'bool' }, nullable: true, sourceType: 'boolean' },
  ],
};

/** Canonical cells of one of its rows. */
export function loadCells(row: number): string[] {
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `${two(Math.floor(row / 3600) % 24)}:${two(Math.floor(row / 60) % 60)}:${two(row % 60)}`;
  return [
    String(row % 5000),
    String(row),
    `city ${row % 700}`,
    `${row % 9000} Long Street, building ${row % 90}`,
    `${row % 100_000}.${two(row % 100)}`,
    `2024-05-${two((row % 28) + 1)}T${time}.${String(row % 1_000_000).padStart(6, '0')}Z`,
    `{"items": ${row % 9}, "tags": ["a", "b"], "row": ${row}}`,
    row % 2 === 0 ? 't' : 'f',
  ];
}

/** The rows as text, in pieces of about a mebibyte. @param line the cells of one row, as what reads it wants them */
export function loadText(rows: number, line: (cells: string[]) => string): Buffer[] {
  const pieces: Buffer[] = [];
  let text = '';
  for (let row = 0; row < rows; row++) {
    text += line(loadCells(row));
    if (text.length < 1 << 20 && row < rows - 1) continue;
    pieces.push(Buffer.from(text));
    text = '';
  }
  return pieces;
}

export function loadBatches(rows: number): Batch[] {
  const batches: Batch[] = [];
  const writer = new BatchWriter();
  for (let row = 0; row < rows; row++) {
    if (writer.rows === 0) writer.addCommit({ position: '1', version: 1n, time: 0, transactionId: '1' });
    writer.beginRow(Op.insert, writer.tableIndex(loadTable), 0, row + 1);
    writer.beginAfter();
    for (const cell of loadCells(row)) writer.cell(writer.append(Buffer.from(cell)), cell.length);
    if (writer.isFull() || writer.rows === BATCH_ROWS) batches.push(writer.close(null));
  }
  batches.push(writer.close(null));
  return batches;
}

/** Updates spread over the table, of which every fourth leaves a column unchanged. */
function updateBatches(rows: number, updates: number, round: number): Batch[] {
  const batches: Batch[] = [];
  const builder = new BatchBuilder().begin({ position: '2', version: 2n, time: 0, transactionId: '2' });
  for (let i = 0; i < updates; i++) {
    const values = loadCells((i * 7919 + round * 104_729) % rows).map((cell, column) =>
      column === 3 && i % 4 === 0 ? unchanged : column === 4 ? `${round}.00` : cell,
    );
    builder.update(loadTable, valuesOf(values));
    if (builder.rows === 4000) batches.push(builder.build(null));
  }
  batches.push(builder.build(null));
  return batches;
}

function valuesOf(cells: readonly CellValue[]): RowValues {
  return Object.fromEntries(loadTable.columns.map(({ name }, column) => [name, cells[column]!]));
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function writeAll(session: TransactionalSession, batches: readonly Batch[], position: string): Promise<void> {
  for (const batch of batches) await session.write(batch);
  await session.commit({ position, state: null });
}

/** How many commits of one row are timed. */
const SMALL_COMMITS = 100;

/** What a sink took, in ms. */
export interface LoadTimes {
  readonly append: number;
  /** User and system time of this process meanwhile. */
  readonly appendCpu: number;
  readonly update: number;
  /** A commit of one update. */
  readonly small: number;
}

/**
 * Appends rows to a table that is made for them, updates some of them, and commits updates one by one.
 * @param batches of `loadBatches`
 * @param updates how many rows are updated at once
 */
export async function timeLoad(sink: Sink, batches: readonly Batch[], updates: number, round: number): Promise<LoadTimes> {
  const shard = { pipeline: 'bench', sink: 'sink', shard: 0 };
  await using session = (await sink.open(shard, new AbortController().signal)) as TransactionalSession;
  const begin = new BatchBuilder().begin({ position: '0', version: 0n, time: 0, transactionId: '0' });
  await writeAll(session, [begin.schemaChange({ table: loadTable, change: 'create' }).build(null)], '0');
  const before = process.cpuUsage();
  const append = await timed(() => writeAll(session, batches, '1'));
  const { user, system } = process.cpuUsage(before);
  const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
  const changes = updateBatches(rows, updates, round);
  const update = await timed(() => writeAll(session, changes, '2'));
  const small = await timed(async () => {
    for (let i = 0; i < SMALL_COMMITS; i++) {
      const one = new BatchBuilder().begin({ position: '3', version: 3n, time: 0, transactionId: '3' });
      await writeAll(session, [one.update(loadTable, valuesOf(loadCells(i))).build(null)], `3.${i}`);
    }
  });
  return { append, appendCpu: (user + system) / 1000, update, small: small / SMALL_COMMITS };
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
