import { performance } from 'node:perf_hooks';
import { Readable } from 'node:stream';
import { connect, resolveTarget, type MysqlClient } from '@weir/mysql';
import { Secret, type Batch } from '@weir/sdk';
import { loadBatches, loadTable as table, loadText, timeLoad } from '@weir/testkit/load';
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

const rules = new TypeRules(process.argv.includes('mariadb') ? 'mariadb' : 'mysql');
const written = table.columns.map((column, index) => {
  const { encoding, sql } = columnType(table, column, ['id'], rules);
  return { index, name: column.name, sql, encoder: columnEncoder(encoding, table, column.name) };
});
const definition = `${written.map(({ name, sql }) => `${name} ${sql}`).join(', ')}, PRIMARY KEY (id)`;

/** A row as LOAD DATA reads it. */
function loadLine(cells: string[]): string {
  cells[5] = cells[5]!.replace('T', ' ').slice(0, -1);
  cells[7] = cells[7] === 't' ? '1' : '0';
  return `${cells.join('\t')}\n`;
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

const batches = loadBatches(rows);
const pieces = loadText(rows, loadLine);
for (let round = 0; round < rounds; round++) {
  await using databases = new TestDatabases(url);
  await databases.sql(`CREATE DATABASE ${databases.name}`);
  const found = await ways(databases.name, batches, pieces);
  const { append, update, small } = await timeLoad(databases.sink(), batches, updates, round);
  found['sink, append'] = append;
  found[`sink, ${updates} updates`] = update;
  found['sink, a commit of one update'] = small;
  const parts = Object.entries(found).map(([name, ms]) => `${name} ${ms < 1000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(1)} s`}`);
  console.info(`${parts.join(' · ')} · resident ${Math.round(process.memoryUsage.rss() / 2 ** 20)} MiB`);
}
