import { Op } from '@weir/sdk';
import { Reading, seededRandom, testSeed, type SeenRow } from '@weir/testkit';
import { describeWithServices, service } from '@weir/testkit/services';
import { expect, it } from 'vitest';
import { MysqlEnvironment } from '../testing/mysql-environment.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { endXa, prepareXa } from '../testing/xa-sessions.ts';

const servers = [
  { server: service('mysql'), flavour: 'mysql' },
  { server: service('mariadb'), flavour: 'mariadb' },
] as const;

const ROWS = 600;
const WRITERS = 3;

/** Rows as they are in the end; no change is of a row that is not there (invariant 7). */
function folded(rows: readonly SeenRow[]): string[] {
  const counts = new Map<string, number>();
  const add = (row: string, by: 1 | -1): void => {
    const count = (counts.get(row) ?? 0) + by;
    expect(count, `${row} is changed, and is not there`).toBeGreaterThanOrEqual(0);
    if (count === 0) counts.delete(row);
    else counts.set(row, count);
  };
  for (const { op, table, before, after } of rows) {
    const name = table.split('.')[1]!;
    if (op === Op.update || op === Op.delete) add([name, ...before!].join('|'), -1);
    if (op !== Op.delete) add([name, ...after!].join('|'), 1);
  }
  return [...counts].flatMap(([row, count]) => Array.from({ length: count }, () => row)).toSorted();
}

/** Two-phase transactions one behind the other, of which some are undone, until it is enough. */
async function write(environment: MysqlEnvironment, writer: number, random: () => number, stop: AbortSignal): Promise<number> {
  let turn = 0;
  for (; !stop.aborted; turn++) {
    const id = Math.floor(random() * (ROWS / WRITERS)) * WRITERS + writer;
    const name = `w${writer}t${turn}`;
    await prepareXa(
      environment,
      name,
      `UPDATE accounts SET n = n + 1 WHERE id = ${id}`,
      `DELETE FROM accounts WHERE id = ${(id + WRITERS * 7) % ROWS}`,
      // Rarely, so that the copy comes to an end of the table.
      ...(turn % 8 === 0 ? [`INSERT INTO accounts VALUES (${ROWS + turn * WRITERS + writer}, ${turn})`] : []),
      `INSERT INTO bag VALUES ('${name}', ${turn})`,
    );
    await endXa(environment, name, random() < 0.2 ? 'ROLLBACK' : 'COMMIT');
  }
  return turn;
}

for (const { server, flavour } of servers) {
  await describeWithServices(`${server.title}: a copy among XA transactions of two phases`, [server], () => {
    it('ends with what they committed, by key and whole', async () => {
      await using environment = await MysqlEnvironment.start(server.url, flavour);
      await using folder = await temporaryFolder();
      const { name } = environment;
      await environment.sql(
        'CREATE TABLE accounts (id int PRIMARY KEY, n int NOT NULL)',
        'CREATE TABLE bag (a varchar(20), b int)',
        `INSERT INTO accounts VALUES ${Array.from({ length: ROWS }, (_, id) => `(${id}, 0)`).join(', ')}`,
        `INSERT INTO bag VALUES ${Array.from({ length: ROWS }, (_, row) => `('row ${row}', 0)`).join(', ')}`,
      );
      await prepareXa(environment, 'doubt', "INSERT INTO accounts VALUES (-1, 0)");
      await endXa(environment, 'doubt', 'ROLLBACK');
      const random = seededRandom(testSeed);
      const stop = new AbortController();
      const writing = Promise.all(Array.from({ length: WRITERS }, async (_, writer) => await write(environment, writer, random, stop.signal)));
      const options = { tables: [`${name}.accounts`, `${name}.bag`], snapshot: { chunk_rows: 40 } };
      await using reading = await Reading.open(environment.source(options, folder.path), null);
      await reading.untilCopied([`${name}.accounts`, `${name}.bag`]);
      stop.abort();
      expect(Math.min(...(await writing))).toBeGreaterThan(3);
      await reading.untilHead();
      const expected: string[] = [];
      for (const table of ['accounts', 'bag']) for (const row of await environment.sql(`SELECT * FROM ${table}`)) expected.push([table, ...row].join('|'));
      expect(folded(reading.rows)).toEqual(expected.toSorted());
    });
  });
}
