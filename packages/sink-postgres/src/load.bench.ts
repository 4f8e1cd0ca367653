import { performance } from 'node:perf_hooks';
import { COPY_HEADER, CopyWriter } from '@weir/postgres';
import { temporaryPostgres } from '@weir/services';
import { loadBatches, loadText, median, timeLoad } from '@weir/testkit/load';
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

const columns =
  'customer integer, id bigint PRIMARY KEY, city text, address text, total numeric(12,2), placed timestamptz, ' +
  'details jsonb, paid boolean';

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
const batches = loadBatches(rows);
const text = loadText(rows, (cells) => `${cells.join('\t')}\n`);
const pieces = text.map((piece) => Buffer.concat([Buffer.alloc(COPY_HEADER), piece]));
const results: { append: number; update: number; small: number }[] = [];
for (let round = 0; round < rounds; round++) {
  await using database = await TestDatabase.create(server.url);
  const floor = await floors(database.url, round, pieces);
  const { append, update, small } = await timeLoad(database.sink(), batches, updates, round);
  results.push({ append: floor.append / append, update: floor.update / update, small });
  console.info(
    `append ÷ COPY ${(floor.append / append).toFixed(2)}, update ÷ UPDATE ${(floor.update / update).toFixed(2)}, ` +
      `resident ${Math.round(process.memoryUsage.rss() / 2 ** 20)} MiB`,
  );
}
const of = (part: keyof (typeof results)[number]): string => median(results.map((result) => result[part])).toFixed(2);
console.info(
  `median of ${rounds}: append ÷ COPY ${of('append')}, update ÷ UPDATE ${of('update')}, a commit of one update ${of('small')} ms`,
);
