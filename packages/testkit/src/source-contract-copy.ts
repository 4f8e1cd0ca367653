import { describe, expect, it } from 'vitest';
import { tableName, type Checkpoint, type Source } from '@weir/sdk';
import { ItemWriters } from './item-writers.ts';
import { foldItems } from './items.ts';
import { Reading } from './reading.ts';
import { scanTable } from './scan-table.ts';
import { testSeed } from './seed.ts';
import type { SeenRow } from './seen-batch.ts';
import { carriedOn, created } from './source-recording.ts';
import type { SourceDriver } from './source-driver.ts';

/** Far above the keys of the writers. */
const BALLAST = 1_000_000;

export function describeCopy(driver: SourceDriver): void {
  describe('copy', () => {
    it(
      'is followed by the stream with nothing lost, doubled or out of order between (invariants 2 and 7)',
      { timeout: 60_000 },
      async () => {
        await using environment = await driver.start();
        await environment.fill(BALLAST, 30_000, 'ballast');
        await using writers = new ItemWriters(environment, testSeed);
        writers.start();
        await writers.more(30);
        await using reading = await Reading.open(environment.source(), null);
        await reading.untilCopied();
        await writers.more(60);
        await writers.stop();
        await reading.untilHead();
        writers.expectArrived(reading.copied, reading.streamed);
        expect(foldItems(reading.rows)).toEqual(foldItems(await scanTable(environment.source(), 'items')));
        expect(reading.streamed.length).toBeGreaterThan(0);
      },
    );

    it('gives a table without rows: created, a last chunk, no rows', async () => {
      await using environment = await driver.start();
      await using reading = await Reading.open(environment.source(), null);
      await reading.untilCopied();
      expect(reading.rows).toEqual([]);
      expect(created(reading.seen).map((name) => name.split('.')[1])).toEqual(['items']);
      expect(reading.seen.filter(({ chunk }) => chunk !== null).map(({ chunk }) => chunk!.last)).toEqual([true]);
    });

    it('creates every table before its rows, and ends each with one last chunk', async () => {
      await using environment = await driver.start();
      await environment.createTypes();
      await environment.fill(1, 20_000, 'a');
      await using reading = await Reading.open(environment.source(), null);
      await reading.untilCopied();
      const tables = (await environment.source().discover(new AbortController().signal)).map(tableName);
      expect(tables).toHaveLength(2);
      expect(created(reading.seen).toSorted()).toEqual(tables.toSorted());
      for (const table of tables) {
        const chunks = reading.seen.filter(({ chunk }) => chunk?.table === table);
        const first = reading.seen.findIndex((batch) => created([batch]).includes(table));
        expect(first).toBeLessThanOrEqual(reading.seen.indexOf(chunks[0]!));
        expect(chunks.map(({ chunk }) => chunk!.last)).toEqual([...chunks.slice(1).map(() => false), true]);
        expect(chunks.every(({ rows }) => rows.every((row) => row.table === table))).toBe(true);
      }
    });

    it('tells how far it is', async () => {
      await using environment = await driver.start();
      await environment.fill(1, 20_000, 'a');
      await using reading = await Reading.open(environment.source(), null);
      await reading.until(({ chunk }) => chunk !== null);
      const during = reading.session.status();
      expect(during.phase).toBe('snapshot');
      expect(during.snapshot.map(({ table }) => table.split('.')[1])).toEqual(['items']);
      expect(during.snapshot[0]!.rows).toBeGreaterThan(0);
      await reading.untilCopied();
      // A table that is done is told for as long as others are copied.
      for (const { rows, done } of reading.session.status().snapshot) expect({ rows, done }).toEqual({ rows: 20_000, done: true });
      await environment.apply([{ op: 'delete', id: 1 }]);
      await reading.untilStreamed(1);
      expect(reading.session.status()).toMatchObject({ phase: 'stream', snapshot: [] });
    });

    it(
      'that is killed goes on with the tables that were not finished, and ends the same (invariant 4)',
      { timeout: 60_000 },
      async () => {
        await using environment = await driver.start();
        await environment.createTypes();
        await environment.fill(1, 60_000, 'before');
        const killed = await killCopy(environment.source());
        expect(killed.finished).toHaveLength(1);
        expect(killed.unfinished).toHaveLength(1);
        await environment.apply([
          { op: 'update', id: 7, label: 'between' },
          { op: 'delete', id: 8 },
          { op: 'insert', id: 100_000, label: 'between' },
        ]);
        await using reading = await Reading.open(environment.source(), killed.checkpoint);
        await reading.untilCopied(killed.unfinished);
        await environment.apply([{ op: 'delete', id: 9 }]);
        await reading.untilHead();
        // A table is begun again, or gone on with where it was.
        for (const table of created(reading.seen)) expect(killed.unfinished).toContain(table);
        expect(new Set(reading.copied.map(({ table }) => table))).toEqual(new Set(killed.unfinished));
        const items = foldItems(carriedOn(killed.rows, reading));
        expect(items).toEqual(foldItems(await scanTable(environment.source(), 'items')));
      },
    );

    it(
      'that is read again for a sink behind lies beyond all that another has of it (invariants 2 and 4)',
      { timeout: 60_000 },
      async () => {
        await using environment = await driver.start();
        await environment.createTypes();
        await environment.fill(1, 20_000, 'before');
        const killed = await killCopy(environment.source());
        const reach = killed.checkpoint.position;
        await using reading = await Reading.open(environment.source(), killed.begun, reach);
        await reading.untilCopied();
        const chunks = reading.seen.filter(({ chunk }) => chunk !== null);
        const positions = chunks.flatMap(({ checkpoint }) => (checkpoint === null ? [] : [checkpoint.position]));
        expect(positions.length).toBeGreaterThan(0);
        expect(positions.filter((position) => position <= reach)).toEqual([]);
        expect(foldItems(reading.rows)).toEqual(foldItems(await scanTable(environment.source(), 'items')));
      },
    );
  });
}

interface KilledCopy {
  /** The first checkpoint: all that it says of the tables is that they are to be copied. */
  readonly begun: Checkpoint;
  readonly checkpoint: Checkpoint;
  readonly rows: readonly SeenRow[];
  readonly finished: string[];
  readonly unfinished: string[];
}

/** Reads the copy of two tables until the first is finished, and lets go. */
async function killCopy(source: Source): Promise<KilledCopy> {
  await using reading = await Reading.open(source, null);
  const { chunk } = await reading.until((batch) => batch.chunk?.last === true);
  return {
    begun: reading.seen.find(({ checkpoint }) => checkpoint !== null)!.checkpoint!,
    checkpoint: reading.checkpoint,
    rows: reading.rows,
    finished: [chunk!.table],
    unfinished: created(reading.seen).filter((table) => table !== chunk!.table),
  };
}
