import { performance } from 'node:perf_hooks';
import { temporaryPostgres } from '@weir/services';
import {
  BATCH_ROWS,
  BatchBuilder,
  BatchWriter,
  Op,
  unchanged,
  type Batch,
  type Table,
  type TransactionalSession,
} from '@weir/sdk';
import { COPY_HEADER, CopyWriter } from '@weir/postgres';
import pg from 'pg';
import { TestDatabase } from './testing/test-database.ts';

/**
 * The sink against PostgreSQL alone, in the same run: appending ROWS rows of 8 columns against a COPY of the same text into
 * the same table, and updating UPDATES of them against one UPDATE … FROM a table that holds the new rows.
 * `node --conditions=@weir/source src/load.bench.ts [ROWS] [UPDATES] [ROUNDS]`
 */
const rows = Number(process.argv[2] ?? 500_000);
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
const columns =
  'customer integer, id bigint PRIMARY KEY, city text, address text, total numeric(12,2), placed timestamptz, ' +
  'details jsonb, paid boolean';

function cellsOf(row: number): string[] {
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

/** Rows to update, spread over the table. */
function updatedRow(round: number, update: number): number {
  return (update * 7919 + round * 104_729) % rows;
}

function makeUpdates(round: number): Batch[] {
  const batches: Batch[] = [];
  const builder = new BatchBuilder().begin({ position: '2', version: 2n, time: 0, transactionId: '2' });
  for (let i = 0; i < updates; i++) {
    const values = cellsOf(updatedRow(round, i)).map((cell, column) =>
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

/** The rows as COPY's text, made beforehand, in pieces of about a mebibyte. */
function copyText(): Buffer[] {
  const pieces: Buffer[] = [];
  let text = '';
  for (let row = 0; row < rows; row++) {
    text += `${cellsOf(row).join('\t')}\n`;
    if (text.length > 1 << 20 || row === rows - 1) {
      pieces.push(Buffer.concat([Buffer.alloc(COPY_HEADER), Buffer.from(text)]));
      text = '';
    }
  }
  return pieces;
}

async function copyAlone(client: pg.Client, into: string, pieces: readonly Buffer[]): Promise<number> {
  const start = performance.now();
  const copy = CopyWriter.start(client, `COPY ${into} FROM STDIN`);
  for (const piece of pieces) await copy.write(piece);
  await copy.end();
  return performance.now() - start;
}

/** Plain COPY, and an UPDATE of as many rows. */
async function floors(url: string, round: number, pieces: readonly Buffer[]): Promise<{ append: number; update: number }> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(`CREATE TABLE plain (${columns}); CREATE TEMPORARY TABLE fresh (LIKE plain)`);
    const append = await copyAlone(client, 'plain', pieces);
    await client.query(
      `INSERT INTO fresh SELECT p.* FROM plain p JOIN generate_series(0, ${updates - 1}) i
         ON p.id = (i * 7919 + ${round * 104_729}) % ${rows};
       ANALYZE fresh`,
    );
    const start = performance.now();
    await client.query(
      `UPDATE plain t SET customer = f.customer, city = f.city, address = f.address, total = ${round}, placed = f.placed,
         details = f.details, paid = f.paid FROM fresh f WHERE t.id = f.id`,
    );
    return { append, update: performance.now() - start };
  } finally {
    await client.end();
  }
}

await using server = await temporaryPostgres({ shared_buffers: '512MB', max_wal_size: '8GB' });
const batches = makeBatches();
const pieces = copyText();
const results: { append: number; update: number; small: number }[] = [];
for (let round = 0; round < rounds; round++) {
  await using database = await TestDatabase.create(server.url);
  const floor = await floors(database.url, round, pieces);
  const session = (await database
    .sink()
    .open({ pipeline: 'bench', sink: 'postgres', shard: 0 }, new AbortController().signal)) as TransactionalSession;
  const begin = new BatchBuilder().begin({ position: '0', version: 0n, time: 0, transactionId: '0' });
  await session.write(begin.schemaChange({ table, change: 'create' }).build(null));
  await session.commit({ position: '0', state: null });
  const append = await writeAll(session, batches, '1');
  const update = await writeAll(session, makeUpdates(round), '2');
  const start = performance.now();
  for (let i = 0; i < 100; i++) {
    const one = new BatchBuilder().begin({ position: '3', version: 3n, time: 0, transactionId: '3' });
    const values = cellsOf(i);
    one.update(table, Object.fromEntries(table.columns.map(({ name }, column) => [name, values[column]!])));
    await writeAll(session, [one.build(null)], `3.${i}`);
  }
  const small = (performance.now() - start) / 100;
  await session[Symbol.asyncDispose]();
  results.push({ append: floor.append / append, update: floor.update / update, small });
  console.info(
    `append ÷ COPY ${(floor.append / append).toFixed(2)}, update ÷ UPDATE ${(floor.update / update).toFixed(2)}, ` +
      `resident ${Math.round(process.memoryUsage.rss() / 2 ** 20)} MiB`,
  );
}
const median = (of: (result: (typeof results)[number]) => number): string =>
  results.map(of).sort((a, b) => a - b)[results.length >> 1]!.toFixed(2);
console.info(
  `median of ${rounds}: append ÷ COPY ${median((r) => r.append)}, update ÷ UPDATE ${median((r) => r.update)}, ` +
    `a commit of one update ${median((r) => r.small)} ms`,
);
