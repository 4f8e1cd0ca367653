import type { TableBinding } from '@weir/pgoutput';
import type { Batch, Table } from '@weir/sdk';
import { expect, test } from 'vitest';
import { postgresConfig } from '../config.ts';
import { TestDatabase } from '../testing/test-database.ts';
import { useTestServer } from '../testing/test-server.ts';
import { ChunkReaders, type ChunkBatch, type ChunkQuery } from './chunk-reader.ts';

const server = useTestServer();
const never = new AbortController().signal;
const CHUNKS = 20;
/** One that is consumed, and one for each of two connections. */
const MOST_ASKED = 3;

const table: Table = {
  namespace: 'public',
  name: 'numbers',
  version: 1,
  columns: [{ name: 'n', type: { kind: 'int', bits: 32 }, nullable: false, sourceType: 'integer' }],
  key: [],
};
const binding: TableBinding = { table, rewrites: [null], skip: false };

/** Chunks of one row each, whose number it is; each is over as soon as somebody reads it. */
class Numbers {
  asked = 0;

  async *[Symbol.asyncIterator](): AsyncGenerator<ChunkQuery, void> {
    while (this.asked < CHUNKS) {
      this.asked++;
      yield { sql: `COPY (SELECT ${this.asked}) TO STDOUT`, binding };
      await Promise.resolve();
    }
  }
}

async function readersOf(database: TestDatabase): Promise<ChunkReaders> {
  const config = postgresConfig.parse({ url: database.url, snapshot: { max_connections: 2 } });
  const readers = new ChunkReaders(config);
  await readers.begin('SELECT', never);
  return readers;
}

function firstCell(batch: Batch | null): string {
  const { data, start, length } = batch!;
  return Buffer.from(data.subarray(start[0], start[0]! + length[0]!)).toString();
}

/** Long enough for a server that was asked for more to have answered. */
async function settle(database: TestDatabase): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await database.sql('SELECT 1');
}

test('while one chunk is consumed each connection reads another, and no more are asked for (invariant 8)', async () => {
  await using database = await TestDatabase.create(server.url);
  await using readers = await readersOf(database);
  const numbers = new Numbers();
  const pieces = readers.read(numbers[Symbol.asyncIterator](), never);
  const first = await pieces.next();
  const read: ChunkBatch<ChunkQuery>[] = first.done === true ? [] : [first.value];
  await expect.poll(() => numbers.asked).toBe(MOST_ASKED);
  await settle(database);
  expect(numbers.asked).toBe(MOST_ASKED);

  for await (const piece of pieces) read.push(piece);
  const expected = Array.from({ length: CHUNKS }, (_, number) => ({ cell: String(number + 1), isLast: true }));
  expect(read.map(({ batch, isLast }) => ({ cell: firstCell(batch), isLast }))).toEqual(expected);
  await readers.end();
});

test('who stops reading has nothing more asked for', async () => {
  await using database = await TestDatabase.create(server.url);
  await using readers = await readersOf(database);
  const numbers = new Numbers();
  for await (const _ of readers.read(numbers[Symbol.asyncIterator](), never)) break;
  // But for the one that comes as it stops.
  expect(numbers.asked).toBeLessThanOrEqual(MOST_ASKED + 1);
});

test('what a chunk fails with comes behind those before it', async () => {
  await using database = await TestDatabase.create(server.url);
  await using readers = await readersOf(database);
  const queries = ['SELECT 1', 'SELECT 1 / 0', 'SELECT 3'].map((sql) => ({ sql: `COPY (${sql}) TO STDOUT`, binding }));
  const pieces = readers.read((async function* () { yield* queries; })(), never);
  expect((await pieces.next()).done).toBe(false);
  await expect(pieces.next()).rejects.toThrow('division by zero');
});

test('the server sorts a chunk in memory, unless it may take more anyway', async () => {
  for (const [own, seen] of [['4MB', '32MB'], ['64MB', '64MB']] as const) {
    await using database = await TestDatabase.create(server.url);
    await database.sql(`ALTER DATABASE ${database.name} SET work_mem = '${own}'`);
    await using readers = await readersOf(database);
    const sql = "COPY (SELECT current_setting('work_mem')) TO STDOUT";
    for await (const { batch } of readers.read((async function* () { yield { sql, binding }; })(), never)) {
      expect(firstCell(batch)).toBe(seen);
    }
  }
});
