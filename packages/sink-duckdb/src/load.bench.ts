import { rmSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { DuckDBInstance } from '@duckdb/node-api';
import {
  BATCH_ROWS,
  BatchWriter,
  Op,
  unchanged,
  BatchBuilder,
  type Batch,
  type Table,
  type TransactionalSession,
} from '@weir/sdk';
import { TemporaryDatabase } from './testing/temporary-database.ts';

/**
 * Rows per second of the sink: appending ROWS rows of 8 columns, and updating some of them, each against a floor in the
 * same run. `node --conditions=@weir/source src/load.bench.ts [ROWS] [UPDATES] [ROUNDS]`
 */
const rows = Number(process.argv[2] ?? 1_000_000);
const updates = Number(process.argv[3] ?? 100_000);
const rounds = Number(process.argv[4] ?? 5);

const table: Table = {
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

function cellsOf(row: number): string[] {
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `${two(Math.floor(row / 3600) % 24)}:${two(Math.floor(row / 60) % 60)}:${two(row % 60)}`;
  return [
    String(row % 5000),
    String(row),
    `city ${row % 700}`,
    `${row % 9000} Long Street, building ${row % 90}`,
    `${row % 100_000}.${String(row % 100).padStart(2, '0')}`,
    `2024-05-${two((row % 28) + 1)}T${time}.${String(row % 1_000_000).padStart(6, '0')}Z`,
    `{"items": ${row % 9}, "tags": ["a", "b"], "row": ${row}}`,
    row % 2 === 0 ? 't' : 'f',
  ];
}

function makeBatches(): Batch[] {
  const batches: Batch[] = [];
  const writer = new BatchWriter();
  for (let row = 0; row < rows; row++) {
    if (writer.rows === 0) writer.addCommit({ position: '1', version: 1n, time: 0, transactionId: '1' });
    writer.beginRow(Op.insert, writer.tableIndex(table), 0, row + 1);
    writer.beginAfter();
    for (const cell of cellsOf(row)) writer.cell(writer.append(Buffer.from(cell)), cell.length);
    if (writer.isFull() || writer.rows === BATCH_ROWS) batches.push(writer.close(null));
  }
  batches.push(writer.close(null));
  return batches;
}

function makeUpdates(round: number): Batch[] {
  const batches: Batch[] = [];
  const builder = new BatchBuilder().begin({ position: '2', version: 2n, time: 0, transactionId: '2' });
  for (let i = 0; i < updates; i++) {
    const row = (i * 7919 + round * 104_729) % rows;
    const values = cellsOf(row).map((cell, column) =>
      column === 3 && i % 4 === 0 ? unchanged : column === 4 ? `${round}.00` : cell,
    );
    builder.update(table, Object.fromEntries(table.columns.map(({ name }, column) => [name, values[column]!])));
    if (builder.rows === 4000) batches.push(builder.build(null));
  }
  batches.push(builder.build(null));
  return batches;
}

async function writeAll(session: TransactionalSession, batches: readonly Batch[], position: string): Promise<number> {
  const start = performance.now();
  for (const batch of batches) await session.write(batch);
  await session.commit({ position, state: null });
  return performance.now() - start;
}

/** DuckDB alone: one INSERT … SELECT that makes like rows. */
async function floor(folder: string): Promise<number> {
  const path = `${folder}/floor.duckdb`;
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  await connection.run(
    'CREATE TABLE t (customer INTEGER, id BIGINT, city VARCHAR, address VARCHAR, total DECIMAL(12,2), placed TIMESTAMPTZ, ' +
      'details JSON, paid BOOLEAN)',
  );
  const start = performance.now();
  await connection.run(
    `INSERT INTO t SELECT i % 5000, i, 'city ' || (i % 700), (i % 9000) || ' Long Street, building ' || (i % 90), ` +
      `(i % 100000 + (i % 100) / 100)::DECIMAL(12,2), make_timestamptz(1714521600000000 + i * 1000001), ` +
      `'{"items": ' || (i % 9) || ', "tags": ["a", "b"], "row": ' || i || '}', i % 2 = 0 FROM range(${rows}) r(i)`,
  );
  const elapsed = performance.now() - start;
  connection.closeSync();
  instance.closeSync();
  rmSync(path);
  return elapsed;
}

const batches = makeBatches();
const results: { append: number; floor: number; update: number; cpu: number }[] = [];
for (let round = 0; round < rounds; round++) {
  await using database = await TemporaryDatabase.make();
  const session = (await database
    .sink({ memoryBytes: 256 * 2 ** 20 })
    .open({ pipeline: 'bench', sink: 'duckdb', shard: 0 }, new AbortController().signal)) as TransactionalSession;
  const begin = new BatchBuilder().begin({ position: '0', version: 0n, time: 0, transactionId: '0' });
  await session.write(begin.schemaChange({ table, change: 'create' }).build(null));
  await session.commit({ position: '0', state: null });
  const before = process.cpuUsage();
  const append = await writeAll(session, batches, '1');
  const { user, system } = process.cpuUsage(before);
  const update = await writeAll(session, makeUpdates(round), '2');
  await session[Symbol.asyncDispose]();
  results.push({ append, update, floor: await floor(database.folder), cpu: (user + system) / 1000 });
  const { append: a, floor: f, update: u } = results.at(-1)!;
  console.info(
    `append ${rate(rows, a)} rows/s, floor ${rate(rows, f)} rows/s, update ${rate(updates, u)} rows/s, ` +
      `resident ${Math.round(process.memoryUsage.rss() / 2 ** 20)} MiB`,
  );
}

const median = (of: (result: (typeof results)[number]) => number): number =>
  results.map(of).sort((a, b) => a - b)[results.length >> 1]!;
console.info(
  `median of ${rounds}: append ${rate(
    rows,
    median((r) => r.append),
  )} rows/s, ÷ floor ${median((r) => r.floor / r.append).toFixed(2)}, ` +
    `${((median((r) => r.cpu) / rows) * 1000).toFixed(2)} µs CPU a row; update ${rate(
      updates,
      median((r) => r.update),
    )} rows/s`,
);

function rate(count: number, ms: number): string {
  return Math.round((count / ms) * 1000).toLocaleString('en');
}
