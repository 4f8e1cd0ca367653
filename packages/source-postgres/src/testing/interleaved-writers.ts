import type { TestDatabase } from './test-database.ts';

/** Statements of several connections, in this order; each transaction is larger than what the server keeps of it. */
const statements: readonly [writer: number, sql: string][] = [
  [0, 'BEGIN'],
  [0, rows(1, 1200)],
  [1, 'BEGIN'],
  [1, rows(10_001, 1200)],
  [2, rows(20_001, 3)],
  [0, 'SAVEPOINT a'],
  [0, rows(2_001, 900)],
  [0, 'SAVEPOINT b'],
  [0, `UPDATE items SET label = 'taken back' WHERE id <= 300`],
  [0, 'ROLLBACK TO a'],
  [1, `UPDATE items SET id = -id WHERE id BETWEEN 10001 AND 10700`],
  [3, 'BEGIN'],
  [3, rows(30_001, 2500)],
  [0, rows(3_001, 700)],
  [2, 'DELETE FROM items WHERE id BETWEEN 20001 AND 20002'],
  [3, 'ROLLBACK'],
  [0, 'SAVEPOINT c'],
  [0, 'DELETE FROM items WHERE id <= 600'],
  [0, 'INSERT INTO moods SELECT i, (ARRAY[\'ok\', \'bad\'])[i % 2 + 1]::mood FROM generate_series(1, 800) AS i'],
  [0, 'RELEASE c'],
  [4, 'BEGIN'],
  [4, `SELECT pg_logical_emit_message(true, 'four', 'kept')`],
  [4, rows(40_001, 1500)],
  [0, 'COMMIT'],
  [2, 'TRUNCATE moods'],
  [1, 'SAVEPOINT d'],
  [1, rows(11_301, 10)],
  [1, 'ROLLBACK TO d'],
  [4, 'COMMIT'],
  [1, 'COMMIT'],
];

export const interleavedTables = `
  CREATE TYPE mood AS ENUM ('ok', 'bad');
  CREATE TABLE items (id int PRIMARY KEY, label text);
  CREATE TABLE moods (id int PRIMARY KEY, mood mood);
  ALTER TABLE moods REPLICA IDENTITY FULL`;

/** Five writers whose transactions overlap, with savepoints that are taken back, one that rolls back and small ones between. */
export async function interleavedWrites(database: TestDatabase): Promise<void> {
  const writers = await Promise.all(Array.from({ length: 5 }, async () => await database.connect()));
  for (const [writer, sql] of statements) await writers[writer]!.query(sql);
  await Promise.all(writers.map(async (writer) => await writer.end()));
}

function rows(first: number, count: number): string {
  return `INSERT INTO items SELECT i, repeat('x', 90) || i FROM generate_series(${first}, ${first + count - 1}) AS i`;
}
