import { setTimeout as sleep } from 'node:timers/promises';
import { Op } from '@weir/sdk';
import { Reading, seededRandom, testSeed, type SeenRow } from '@weir/testkit';
import { describeWithServices, service } from '@weir/testkit/services';
import { expect, it } from 'vitest';
import { MysqlEnvironment } from './testing/mysql-environment.ts';

const servers = [
  { server: service('mysql'), flavour: 'mysql' },
  { server: service('mariadb'), flavour: 'mariadb' },
] as const;

const ROWS = 3_000;

/** How often each row is there, when no change is of a row that is not (invariant 7). */
function folded(rows: readonly SeenRow[]): Map<string, number> {
  const counts = new Map<string, number>();
  const add = (row: string, by: 1 | -1): void => {
    const count = (counts.get(row) ?? 0) + by;
    expect(count, `${row} is changed, and is not there`).toBeGreaterThanOrEqual(0);
    if (count === 0) counts.delete(row);
    else counts.set(row, count);
  };
  for (const { op, table, before, after } of rows) {
    if (op === Op.update || op === Op.delete) add([table.split('.')[1], ...before!].join('|'), -1);
    if (op !== Op.delete) add([table.split('.')[1], ...after!].join('|'), 1);
  }
  return counts;
}

for (const { server, flavour } of servers) {
  await describeWithServices(`${server.title}: tables that are copied whole`, [server], () => {
    it('end as they are, while their rows change, and no change is of a row that is not there', { timeout: 60_000 }, async () => {
      await using environment = await MysqlEnvironment.start(server.url, flavour);
      const values = Array.from({ length: ROWS }, (_, row) => `('key ${row}', ${row})`).join(', ');
      await environment.sql(
        'CREATE TABLE texts (k varchar(20) PRIMARY KEY, v int)',
        'CREATE TABLE bag (a varchar(20), b int)',
        `INSERT INTO texts VALUES ${values}`,
        `INSERT INTO bag VALUES ${values}, ${values}`,
      );
      const random = seededRandom(testSeed);
      const stop = new AbortController();
      const write = async (): Promise<void> => {
        for (let change = 0; !stop.signal.aborted; change++) {
          const row = Math.floor(random() * ROWS);
          await environment.sql(
            `UPDATE texts SET v = v + 1 WHERE k = 'key ${row}'`,
            `DELETE FROM texts WHERE k = 'KEY ${(row * 7) % ROWS}'`,
            `INSERT INTO texts VALUES ('new ${change}', 0)`,
            `UPDATE bag SET b = -1 WHERE a = 'key ${row}' LIMIT 1`,
            `DELETE FROM bag WHERE a = 'key ${(row * 3) % ROWS}' LIMIT 1`,
          );
          await sleep(1);
        }
      };
      const writing = write();
      await using reading = await Reading.open(environment.source({ tables: [`${environment.name}.texts`, `${environment.name}.bag`] }), null);
      await reading.untilCopied([`${environment.name}.texts`, `${environment.name}.bag`]);
      await sleep(200);
      stop.abort();
      await writing;
      await reading.untilHead();
      const expected = new Map<string, number>();
      for (const table of ['texts', 'bag']) {
        for (const row of await environment.sql(`SELECT * FROM ${table}`)) {
          const text = [table, ...row].join('|');
          expected.set(text, (expected.get(text) ?? 0) + 1);
        }
      }
      expect(folded(reading.rows)).toEqual(expected);
      expect(reading.seen.filter(({ chunk }) => chunk?.range != null)).toEqual([]);
    });
  });
}
