import { rmSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { DuckDBInstance } from '@duckdb/node-api';
import { loadBatches, median, timeLoad } from '@weir/testkit/load';
import { TemporaryDatabase } from './testing/temporary-database.ts';

/**
 * Rows per second of the sink: appending ROWS rows of 8 columns, and updating some of them, each against a floor in the
 * same run. `node --conditions=@weir/source src/load.bench.ts [ROWS] [UPDATES] [ROUNDS]`
 */
const rows = Number(process.argv[2] ?? 1_000_000);
const updates = Number(process.argv[3] ?? 100_000);
const rounds = Number(process.argv[4] ?? 5);

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

const batches = loadBatches(rows);
const results: { append: number; floor: number; update: number; cpu: number }[] = [];
for (let round = 0; round < rounds; round++) {
  await using database = await TemporaryDatabase.make();
  const { append, appendCpu, update } = await timeLoad(database.sink({ memoryBytes: 256 * 2 ** 20 }), batches, updates, round);
  const result = { append, update, floor: await floor(database.folder), cpu: appendCpu };
  results.push(result);
  console.info(
    `append ${rate(rows, append)} rows/s, floor ${rate(rows, result.floor)} rows/s, update ${rate(updates, update)} rows/s, ` +
      `resident ${Math.round(process.memoryUsage.rss() / 2 ** 20)} MiB`,
  );
}
const append = median(results.map((result) => result.append));
const update = median(results.map((result) => result.update));
const share = median(results.map((result) => result.floor / result.append));
const cpu = (median(results.map((result) => result.cpu)) / rows) * 1000;
console.info(
  `median of ${rounds}: append ${rate(rows, append)} rows/s, ÷ floor ${share.toFixed(2)}, ` +
    `${cpu.toFixed(2)} µs CPU a row; update ${rate(updates, update)} rows/s`,
);

function rate(count: number, ms: number): string {
  return Math.round((count / ms) * 1000).toLocaleString('en');
}
