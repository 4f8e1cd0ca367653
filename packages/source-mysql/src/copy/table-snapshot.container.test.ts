import { BinlogDecoder, MysqlGtidSet, type BinlogHost } from '@weir/binlog';
import { connect, query, type MysqlClient } from '@weir/mysql';
import { BatchWriter, NO_IMAGE, RowCursor, type Batch, type ImageCursor, type Table } from '@weir/sdk';
import { describeWithServices, service } from '@weir/testkit/services';
import { expect, it } from 'vitest';
import { bindTable } from '../capture/bind-table.ts';
import { readCatalog } from '../capture/catalog.ts';
import { shapeOf } from '../capture/table-shape.ts';
import type { Flavour } from '../checkpoint-state.ts';
import { commitPosition, commitVersion } from '../position.ts';
import { readServerLog } from '../server-log.ts';
import { openStream } from '../testing/read-log.ts';
import { TestServer } from '../testing/test-server.ts';
import { ChunkReader } from './chunk-reader.ts';
import type { SnapshotMoment } from './chunk-snapshot.ts';
import { readSnapshot } from './table-snapshot.ts';

const { signal } = new AbortController();
const servers = [
  { server: service('mysql'), flavour: 'mysql' },
  { server: service('mariadb'), flavour: 'mariadb' },
  { server: service('mariadb', { version: '10.11' }), flavour: 'mariadb' },
] as const;
const WRITERS = 3;

/** Rows without a key: how often each is there. */
class Bag {
  readonly counts = new Map<string, number>();

  add(image: ImageCursor, by: 1 | -1): void {
    const row = `${image.text(0)}|${image.text(1)}`;
    const count = (this.counts.get(row) ?? 0) + by;
    // A copy that is exact never meets the change of a row that it lacks.
    expect(count, row).toBeGreaterThanOrEqual(0);
    if (count === 0) this.counts.delete(row);
    else this.counts.set(row, count);
  }

  take(batch: Batch): void {
    for (const row of new RowCursor(batch)) {
      if (batch.before[row.row] !== NO_IMAGE) this.add(row.before, -1);
      if (batch.after[row.row] !== NO_IMAGE) this.add(row.after, 1);
    }
  }
}

/** A snapshot, and then the stream from where it was asked for; what the snapshot sees is left out. */
async function copied(at: TestServer, flavour: Flavour, isLocking: boolean, isEnough: (bag: Bag) => boolean): Promise<Bag | 'unknown'> {
  const client = await connect(at.config, signal);
  const log = await readServerLog(client);
  const [found] = await readCatalog(client, [`${at.name}.*`]);
  await client.close();
  const shape = shapeOf(found!, 'null');
  const bag = new Bag();
  let moment: SnapshotMoment | null = null;
  const gtids = log.gtids instanceof MysqlGtidSet ? log.gtids : null;
  // GTIDs are read behind the end of the log: where both count, the stream begins behind them.
  const place = { end: gtids === null ? log.end : { ...log.end, offset: 0 }, reached: log.end, gtids };
  const options = { config: at.config, flavour, server: log.server, zeroDates: 'null', isLocking } as const;
  const rows = {
    begin: (seen: SnapshotMoment) => void (moment = seen),
    give: async (_table: Table, batch: Batch) => {
      bag.take(batch);
      batch.release();
    },
    end: async () => {},
  };
  expect(await readSnapshot(options, [shape.table], place, rows, signal)).toBe(true);
  const writer = new BatchWriter();
  await using stream = await openStream({ config: at.config, flavour, start: log.gtids!, database: at.name, heartbeatMs: 200 }, writer);
  let isUnknown = false;
  const host: BinlogHost = {
    tableMap: (map) => (map.database === at.name ? bindTable(map, shape, flavour, 'null') : null),
    begin: ({ start, time }) => ({ position: commitPosition(0, start), version: commitVersion(0, start), time, transactionId: '' }),
    statement: () => {},
    commit: ({ gtid, end }) => {
      const batch = stream.close(null);
      const isSeen = batch.rows === 0 ? true : moment!.sees(gtid, end);
      isUnknown ||= isSeen === null;
      if (isSeen === false && !isUnknown) bag.take(batch);
      batch.release();
    },
    payload: () => {},
  };
  const decoder = new BinlogDecoder(host);
  while (!isUnknown && !isEnough(bag)) {
    while (stream.next()) decoder.decode(writer, stream.start, stream.end);
    if (!isUnknown && !isEnough(bag)) await stream.more();
  }
  return isUnknown ? 'unknown' : bag;
}

async function write(client: MysqlClient, writer: number, isOver: () => boolean): Promise<void> {
  for (let turn = 0; !isOver(); turn++) {
    const value = turn % 7;
    await query(client, `INSERT INTO bag VALUES (${writer}, ${value})`);
    if (turn % 3 === 0) await query(client, `DELETE FROM bag WHERE w = ${writer} AND v = ${(value + 3) % 7} LIMIT 1`);
    if (turn % 5 === 0) await query(client, `UPDATE bag SET v = ${value} WHERE w = ${writer} LIMIT 2`);
  }
}

for (const { server, flavour } of servers) {
  await describeWithServices(`a snapshot of ${server.title}`, [server], () => {
    it('and the stream behind it have each row of a table without a key once (invariant 7)', async () => {
      for (let run = 0; run < 3; run++) {
        await using at = await TestServer.with(server, 'CREATE TABLE bag (w int, v int)', 'INSERT INTO bag VALUES (0, 1), (0, 1), (1, 2)');
        const clients = await Promise.all(Array.from({ length: WRITERS }, async () => await connect(at.config, signal)));
        let isOver = false;
        const writing = Promise.all(clients.map(async (client, writer) => await write(client, writer, () => isOver)));
        let bag: Bag | 'unknown' = 'unknown';
        const last = async (): Promise<void> => {
          isOver = true;
          await writing;
          await at.sql('INSERT INTO bag VALUES (99, 99)');
        };
        const ending: Promise<void>[] = [];
        for (let tries = 0; bag === 'unknown'; tries++) {
          bag = await copied(at, flavour, tries === 4, (so) => {
            // Enough was written behind the snapshot.
            if (ending.length === 0 && [...so.counts.values()].reduce((sum, count) => sum + count, 0) > 60) ending.push(last());
            return so.counts.has('99|99');
          });
        }
        await Promise.all(ending);
        const rows = await at.sql("SELECT CONCAT(w, '|', v), COUNT(*) FROM bag GROUP BY w, v");
        expect(bag.counts).toEqual(new Map(rows.map(([row, count]) => [row!, Number(count)])));
        await Promise.all(clients.map(async (client) => await client.close()));
      }
    });

    it('of a table or a column that is not there is put off; one of another server than the stream’s is refused', async () => {
      await using at = await TestServer.with(server, 'CREATE TABLE bag (w int, v int)');
      const { end, gtids, server: identity } = await at.log();
      const options = { config: at.config, flavour, server: identity, zeroDates: 'null', isLocking: false } as const;
      const place = { end, reached: end, gtids: gtids instanceof MysqlGtidSet ? gtids : null };
      const table: Table = { namespace: at.name, name: 'nothing', version: 1, columns: [{ name: 'w', type: { kind: 'int', bits: 32 }, nullable: true, sourceType: 'int' }], key: [] };
      const rows = { begin: () => {}, give: async () => {}, end: async () => {} };
      expect(await readSnapshot(options, [table], place, rows, signal)).toBe(false);
      await using chunks = new ChunkReader(options);
      const shape = { table: { ...table, name: 'bag', columns: [{ ...table.columns[0]!, name: 'gone' }], key: [0] }, columns: [{ name: 'gone', type: 'int', nullable: false, at: 0 }] };
      expect(await chunks.read(shape, null, 10, place, signal)).toBeNull();
      const elsewhere = { ...options, server: 'another' };
      await expect(readSnapshot(elsewhere, [{ ...table, name: 'bag' }], place, rows, signal)).rejects.toMatchObject({ code: 'WEIR_MYSQL_CONNECTION_LOST' });
    });
  });
}
