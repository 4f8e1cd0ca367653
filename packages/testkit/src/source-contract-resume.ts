import { describe, expect, it } from 'vitest';
import type { Checkpoint } from '@weir/sdk';
import { foldItems, itemEvents } from './items.ts';
import { ItemWriters } from './item-writers.ts';
import { largeValue } from './large-value.ts';
import { Reading } from './reading.ts';
import { scanTable } from './scan-table.ts';
import { testSeed } from './seed.ts';
import type { SeenRow } from './seen-batch.ts';
import { carriedOn, committed } from './source-recording.ts';
import type { Change, SourceDriver, SourceEnvironment } from './source-driver.ts';

/** Transactions of every kind, one after the other. */
const script: readonly (readonly Change[])[] = [
  [{ op: 'insert', id: 1, label: 'a', large: largeValue(1) }],
  [
    { op: 'insert', id: 2, label: 'b' },
    { op: 'insert', id: 3, label: 'c' },
  ],
  [{ op: 'update', id: 1, label: 'a2' }],
  [
    { op: 'changeKey', id: 2, to: 20 },
    { op: 'update', id: 20, label: 'b2' },
  ],
  [{ op: 'delete', id: 3 }],
  [{ op: 'truncate' }],
  [
    { op: 'insert', id: 1, label: 'again' },
    { op: 'delete', id: 1 },
    { op: 'insert', id: 1, label: 'and again' },
  ],
  [{ op: 'update', id: 1, label: null, large: largeValue(2) }],
  [{ op: 'changeKey', id: 1, to: 4 }],
];

export function describeResume(driver: SourceDriver): void {
  describe('resume', () => {
    it(
      'from every checkpoint of the stream gives exactly the rest, byte for byte (invariant 4)',
      { timeout: 60_000 },
      async () => {
        await using environment = await driver.start();
        const whole = await recordedScript(environment);
        expect(whole.marks.length).toBeGreaterThan(script.length);
        // Ascending: a checkpoint that a session is opened with counts as durable.
        for (const { checkpoint, rows } of whole.marks) {
          await using reading = await Reading.open(environment.source(), checkpoint);
          await reading.untilHead();
          expect(reading.rows).toEqual(whole.rows.slice(rows));
        }
      },
    );

    it('from the first checkpoint gives everything again as long as nothing was confirmed (invariant 1)', async () => {
      await using environment = await driver.start();
      let first: Checkpoint;
      {
        await using reading = await Reading.open(environment.source(), null);
        await reading.untilCopied();
        first = reading.checkpoint;
      }
      const seen: SeenRow[][] = [];
      for (let run = 0; run < 3; run++) {
        await environment.apply([{ op: 'insert', id: run, label: 'a' }]);
        await using reading = await Reading.open(environment.source(), first);
        await reading.untilHead();
        seen.push(reading.rows);
      }
      expect(itemEvents(seen[2]!)).toEqual(['insert 0 a', 'insert 1 a', 'insert 2 a']);
      expect(seen[2]!.slice(0, 2)).toEqual(seen[1]);
      expect(seen[2]!.slice(0, 1)).toEqual(seen[0]);
    });

    it('from checkpoints of the copy ends with the same items', { timeout: 60_000 }, async () => {
      await using environment = await driver.start();
      await environment.fill(1, 20_000, 'a');
      const marks: { checkpoint: Checkpoint; rows: SeenRow[] }[] = [];
      {
        await using reading = await Reading.open(environment.source(), null);
        await reading.untilCopied();
        for (const [index, { checkpoint }] of reading.seen.entries()) {
          if (checkpoint !== null) marks.push({ checkpoint, rows: reading.seen.slice(0, index + 1).flatMap(({ rows }) => rows) });
        }
      }
      expect(marks.length).toBeGreaterThan(2);
      await environment.apply([
        { op: 'update', id: 1, label: 'b' },
        { op: 'delete', id: 2 },
      ]);
      const expected = foldItems(await scanTable(environment.source(), 'items'));
      for (const { checkpoint, rows } of marks.slice(0, -1)) {
        await using reading = await Reading.open(environment.source(), checkpoint);
        await reading.untilHead();
        expect(foldItems(carriedOn(rows, reading))).toEqual(expected);
      }
      await using reading = await Reading.open(environment.source(), marks.at(-1)!.checkpoint);
      await reading.untilHead();
      expect(itemEvents(reading.rows)).toEqual(['update 1 b', 'delete 2']);
    });

    it('after a disconnect at any point gives exactly the rest', { timeout: 60_000 }, async () => {
      await using environment = await driver.start();
      await using writers = new ItemWriters(environment, testSeed);
      let checkpoint = await emptyCopy(environment);
      writers.start();
      const rows: SeenRow[] = [];
      for (let run = 1; run <= 6; run++) {
        await using reading = await Reading.open(environment.source(), checkpoint);
        for (let pulls = 0; pulls < run; pulls++) await reading.until((batch) => batch.rows.length > 0);
        await writers.more(20);
        await environment.disconnect();
        const error = await reading.untilFailure();
        expect(error.policy.policy, `${error.code}: ${error.message}`).toBe('retry');
        rows.push(...committed(reading));
        checkpoint = reading.checkpoint;
      }
      await writers.stop();
      await using reading = await Reading.open(environment.source(), checkpoint);
      await reading.untilHead();
      writers.expectArrived([], [...rows, ...reading.rows]);
    });

    it('after a disconnect in the middle of a transaction gives that transaction whole (invariant 3)', async () => {
      await using environment = await driver.start();
      const from = await emptyCopy(environment);
      await environment.fill(1, 60_000, 'a'.repeat(1000));
      {
        await using reading = await Reading.open(environment.source(), from);
        await reading.until(({ rows, checkpoint }) => rows.length > 0 && checkpoint === null);
        await environment.disconnect();
        expect((await reading.untilFailure()).policy.policy).toBe('retry');
        // A source that was sent all of it before the cut may give the rest; a part of it has no checkpoint.
        expect([0, 60_000]).toContain(committed(reading).length);
      }
      await using reading = await Reading.open(environment.source(), from);
      await reading.untilHead();
      expect(reading.streamed.map(({ ordinal }) => ordinal)).toEqual(Array.from({ length: 60_000 }, (_, i) => i + 1));
    });

    it('after a disconnect in the middle of the copy copies the rest', { timeout: 60_000 }, async () => {
      await using environment = await driver.start();
      await environment.fill(1, 60_000, 'a'.repeat(1000));
      let checkpoint: Checkpoint;
      let rows: SeenRow[];
      {
        await using reading = await Reading.open(environment.source(), null);
        await reading.until(({ chunk }) => chunk !== null);
        await environment.disconnect();
        expect((await reading.untilFailure()).policy.policy).toBe('retry');
        checkpoint = reading.checkpoint;
        rows = committed(reading);
      }
      await using reading = await Reading.open(environment.source(), checkpoint);
      await reading.untilHead();
      expect(foldItems(carriedOn(rows, reading)).size).toBe(60_000);
    });
  });
}

/** The checkpoint behind the copy of empty tables. */
async function emptyCopy(environment: SourceEnvironment): Promise<Checkpoint> {
  await using reading = await Reading.open(environment.source(), null);
  await reading.untilCopied();
  return reading.checkpoint;
}

/** Plays the script with a pull after each transaction. Marks: each checkpoint, and the number of rows before it. */
async function recordedScript(
  environment: SourceEnvironment,
): Promise<{ rows: SeenRow[]; marks: { checkpoint: Checkpoint; rows: number }[] }> {
  await using reading = await Reading.open(environment.source(), null);
  await reading.untilCopied();
  const marks = [{ checkpoint: reading.checkpoint, rows: 0 }];
  for (const changes of script) {
    await environment.apply(changes);
    await reading.untilStreamed(changes.length);
    marks.push({ checkpoint: reading.checkpoint, rows: reading.streamed.length });
  }
  return { rows: reading.streamed, marks };
}
