import { performance } from 'node:perf_hooks';
import { Readable } from 'node:stream';
import { connect, resolveTarget, type MysqlClient } from '@weir/mysql';
import {
  BATCH_ROWS,
  BatchBuilder,
  BatchWriter,
  Op,
  Secret,
  unchanged,
  type Batch,
  type Table,
  type TransactionalSession,
} from '@weir/sdk';
import { createConnection } from 'mysql2/promise';
import { columnEncoder } from './column-encoders.ts';
import { columnType, TypeRules } from './column-type.ts';
import { InsertRows, insertFrames } from './insert-rows.ts';
import { prepareSession } from './session-settings.ts';
import { TestDatabases } from './testing/test-databases.ts';

/**
 * Ways to load ROWS rows of 8 columns into a table of one server, against LOAD DATA LOCAL of the same rows, in the same run:
 * INSERTs of many rows, as the sink does; each of the two into a temporary table, and from there by INSERT … SELECT. Then the sink
 * itself: appending, updating UPDATES rows, and commits of one row.
 * `node --conditions=@weir/source src/load.bench.ts URL [ROWS] [UPDATES] [ROUNDS]`; the server has local_infile on
 */
const [, , url = '', rowsText = '1000000', updatesText = '100000', roundsText = '3'] = process.argv;
const rows = Number(rowsText);
const updates = Number(updatesText);
const rounds = Number(roundsText);

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

const rules = new TypeRules(process.argv.includes('mariadb') ? 'mariadb' : 'mysql');
const written = table.columns.map((column, index) => {
  const { encoding, sql } = columnType(table, column, ['id'], rules);
  return { index, name: column.name, sql, encoder: columnEncoder(encoding, table, column.name) };
});
const definition = `${written.map(({ name, sql }) => `${name} ${sql}`).join(', ')}, PRIMARY KEY (id)`;

/** The rows as LOAD DATA reads them, made beforehand, in pieces of about a mebibyte. */
function loadText(): Buffer[] {
  const pieces: Buffer[] = [];
  let text = '';
  for (let row = 0; row < rows; row++) {
    const cells = cellsOf(row);
    cells[5] = cells[5]!.replace('T', ' ').slice(0, -1);
    cells[7] = cells[7] === 't' ? '1' : '0';
    text += `${cells.join('\t')}\n`;
    if (text.length < 1 << 20 && row < rows - 1) continue;
    pieces.push(Buffer.from(text));
    text = '';
  }
  return pieces;
}

async function loadData(pieces: readonly Buffer[], work: (load: (sql: string) => Promise<void>) => Promise<void>): Promise<number> {
  const { host, port, user, password } = resolveTarget({ url: new Secret(url) });
  const connection = await createConnection({ host, port, user, password: password?.reveal() ?? '' });
  try {
    const start = performance.now();
    await work(async (sql) => {
      const load = { sql, infileStreamFactory: () => Readable.from(pieces, { objectMode: false }) };
      await connection.query(sql.startsWith('LOAD') ? load : { sql });
    });
    return performance.now() - start;
  } finally {
    await connection.end();
  }
}

async function insertAll(client: MysqlClient, into: string, batches: readonly Batch[]): Promise<void> {
  const [[packet]] = (await client.run('SELECT @@max_allowed_packet')).rows as unknown as [[Buffer]];
  const frames = insertFrames(Number(packet.toString()));
  const inserts = new InsertRows(client, `INSERT INTO ${into} VALUES`, frames, Number(packet.toString()));
  for (const batch of batches) {
    for (let row = 0; row < batch.rows; row++) {
      const waiting = inserts.row([], batch, batch.after[row]!, written, false);
      if (waiting !== null) await waiting;
    }
  }
  await inserts.end();
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Seconds that each way takes. */
async function ways(database: string, batches: readonly Batch[], pieces: readonly Buffer[]): Promise<Record<string, number>> {
  const client = await connect({ url: new Secret(url) }, new AbortController().signal);
  await prepareSession(client);
  const result: Record<string, number> = {};
  const target = async (name: string): Promise<string> => {
    await client.run(`CREATE TABLE ${database}.${name} (${definition}) ENGINE=InnoDB`);
    return `${database}.${name}`;
  };
  const load = (into: string): string =>
    `LOAD DATA LOCAL INFILE 'rows' INTO TABLE ${into} CHARACTER SET utf8mb4 FIELDS TERMINATED BY '\t' ESCAPED BY '' LINES TERMINATED BY '\n'`;
  const a = await target('a');
  result['LOAD DATA'] = await loadData(pieces, async (run) => await run(load(a)));
  const b = await target('b');
  result['INSERT'] = await timed(async () => {
    await client.run('START TRANSACTION');
    await insertAll(client, b, batches);
    await client.run('COMMIT');
  });
  const c = await target('c');
  const stage = `${database}.stage`;
  const temporary = `CREATE TEMPORARY TABLE ${stage} (${definition}) ENGINE=InnoDB`;
  result['LOAD DATA, temporary'] = await loadData(pieces, async (run) => {
    for (const sql of ['START TRANSACTION', temporary, load(stage), `INSERT INTO ${c} SELECT * FROM ${stage}`, 'COMMIT']) await run(sql);
  });
  const d = await target('d');
  result['INSERT, temporary'] = await timed(async () => {
    await client.run('START TRANSACTION');
    await client.run(temporary);
    await insertAll(client, stage, batches);
    await client.run(`INSERT INTO ${d} SELECT * FROM ${stage}`);
    await client.run('COMMIT');
  });
  await client.close();
  return result;
}

const batches = makeBatches();
const pieces = loadText();
for (let round = 0; round < rounds; round++) {
  await using databases = new TestDatabases(url);
  await databases.sql(`CREATE DATABASE ${databases.name}`);
  const found = await ways(databases.name, batches, pieces);
  const session = (await databases
    .sink()
    .open({ pipeline: 'bench', sink: 'mysql', shard: 0 }, new AbortController().signal)) as TransactionalSession;
  const begin = new BatchBuilder().begin({ position: '0', version: 0n, time: 0, transactionId: '0' });
  await session.write(begin.schemaChange({ table, change: 'create' }).build(null));
  await session.commit({ position: '0', state: null });
  found['sink, append'] = await writeAll(session, batches, '1');
  found[`sink, ${updates} updates`] = await writeAll(session, makeUpdates(round), '2');
  const start = performance.now();
  for (let i = 0; i < 100; i++) {
    const one = new BatchBuilder().begin({ position: '3', version: 3n, time: 0, transactionId: '3' });
    const values = cellsOf(i);
    one.update(table, Object.fromEntries(table.columns.map(({ name }, column) => [name, values[column]!])));
    await writeAll(session, [one.build(null)], `3.${i}`);
  }
  found['sink, a commit of one update'] = (performance.now() - start) / 100;
  await session[Symbol.asyncDispose]();
  const parts = Object.entries(found).map(([name, ms]) => `${name} ${ms < 1000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(1)} s`}`);
  console.info(`${parts.join(' · ')} · resident ${Math.round(process.memoryUsage.rss() / 2 ** 20)} MiB`);
}
