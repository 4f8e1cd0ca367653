import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { BATCH_ROWS, comparePositions } from '@weir/sdk';
import { itemEvents } from './items.ts';
import { Reading } from './reading.ts';
import type { Change, SourceDriver } from './source-driver.ts';

/** More than three batches hold. */
const LARGE_TRANSACTION = 30_000;
/** Longer than a slow machine takes, in ms, and shorter than a source waits for the step of an idle one (10 s). */
const PROMPT_MS = 9_000;

export function describeStream(driver: SourceDriver): void {
  describe('stream', () => {
    it('gives every kind of change in order, and nothing of what was rolled back', async () => {
      await using environment = await driver.start();
      await environment.fill(1, 3, 'copied');
      await using reading = await Reading.open(environment.source(), null);
      await reading.untilCopied();
      await environment.apply([{ op: 'update', id: 1, label: 'rolled back' }], 'rollback');
      await environment.apply([
        { op: 'update', id: 1, label: 'b' },
        { op: 'insert', id: 4, label: 'd' },
        { op: 'update', id: 4, label: null },
        { op: 'changeKey', id: 2, to: 22 },
        { op: 'delete', id: 3 },
      ]);
      await environment.apply([{ op: 'truncate' }, { op: 'insert', id: 1, label: 'again' }]);
      await reading.untilHead();
      expect(itemEvents(reading.streamed)).toEqual([
        'update 1 b',
        'insert 4 d',
        'update 4 null',
        'change 2 to 22 copied',
        'delete 3',
        'truncate',
        'insert 1 again',
      ]);
      const apart = driver.definesAtOnce === true;
      expect(reading.streamed.map(({ ordinal }) => ordinal)).toEqual([1, 2, 3, 4, 5, 1, apart ? 1 : 2]);
    });

    it('keeps transactions apart that overlapped, each with its own commit (invariant 2)', async () => {
      await using environment = await driver.start();
      await using reading = await Reading.open(environment.source(), null);
      await reading.untilCopied();
      const transactions = Array.from({ length: 20 }, (_, transaction): Change[] =>
        Array.from({ length: 10 }, (_none, row) => ({ op: 'insert', id: transaction * 10 + row, label: `t${transaction}` })),
      );
      await Promise.all(transactions.map(async (changes) => await environment.apply(changes)));
      await reading.untilHead();
      const commits = Map.groupBy(reading.streamed, ({ position }) => position);
      expect(commits.size).toBe(20);
      for (const rows of commits.values()) {
        expect(new Set(rows.map(({ after }) => after![1])).size, 'labels in one commit').toBe(1);
        expect(rows.map(({ ordinal }) => ordinal)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        expect(new Set(rows.map(({ transactionId, time, version }) => `${transactionId} ${time} ${version}`)).size).toBe(1);
      }
      expect(Math.abs(reading.streamed[0]!.time / 1000 - Date.now()), 'commit time in µs').toBeLessThan(60_000);
    });

    it('gives a large transaction in several batches, only the last with a checkpoint (invariants 3 and 8)', async () => {
      await using environment = await driver.start();
      await using reading = await Reading.open(environment.source(), null);
      await reading.untilCopied();
      const from = reading.seen.length;
      await environment.fill(1, LARGE_TRANSACTION, 'large');
      await reading.untilStreamed(LARGE_TRANSACTION);
      const batches = reading.seen.slice(from).filter(({ rows }) => rows.length > 0);
      expect(batches.length).toBeGreaterThan(3);
      expect(batches.slice(0, -1).every(({ checkpoint }) => checkpoint === null)).toBe(true);
      expect(reading.streamed.map(({ ordinal }) => ordinal)).toEqual(
        Array.from({ length: LARGE_TRANSACTION }, (_, i) => i + 1),
      );
      expect(new Set(reading.streamed.map(({ position }) => position)).size).toBe(1);
    });

    it(
      'gives a checkpoint at least once a batch and a transaction, however long the backlog (invariant 3)',
      { timeout: 60_000 },
      async () => {
        await using environment = await driver.start();
        await using reading = await Reading.open(environment.source(), null);
        await reading.untilCopied();
        const sizes = [
          ...Array.from({ length: 40 }, () => 700),
          BATCH_ROWS,
          100,
          BATCH_ROWS,
          100,
          BATCH_ROWS,
          5_000,
          5_000,
          5_000,
        ];
        for (const [i, size] of sizes.entries()) await environment.fill(i * 10_000, size, 'backlog');
        // The stream starts with the first pull: from then on it gathers as much as it may.
        await reading.until(({ rows }) => rows.length > 0);
        await sleep(500);
        await reading.untilHead();
        expect(reading.streamed).toHaveLength(sizes.reduce((sum, size) => sum + size, 0));
        let uncommitted = 0;
        for (const { rows, checkpoint } of reading.seen) {
          uncommitted += rows.length;
          expect(uncommitted).toBeLessThanOrEqual(2 * BATCH_ROWS);
          if (checkpoint !== null) uncommitted = 0;
        }
      },
    );

    it('gives the checkpoint of a transaction that ends with a full batch at once', async () => {
      await using environment = await driver.start();
      await using reading = await Reading.open(environment.source(), null);
      await reading.untilCopied();
      for (const rows of [BATCH_ROWS, 2 * BATCH_ROWS, BATCH_ROWS - 1]) {
        await environment.fill(1, rows, 'full');
        const started = Date.now();
        await reading.untilStreamed(rows);
        expect(Date.now() - started).toBeLessThan(PROMPT_MS);
        await environment.apply([{ op: 'truncate' }]);
        await reading.untilStreamed(1);
      }
    });

    it('moves on while nothing of its own changes, so that the server can forget its log (invariant 1)', async () => {
      await using environment = await driver.start();
      await using reading = await Reading.open(environment.source(), null);
      await reading.untilCopied();
      await environment.apply([{ op: 'insert', id: 1, label: 'a' }]);
      await reading.untilStreamed(1);
      await reading.session.confirm(reading.checkpoint);
      const { checkpoint } = reading;
      await environment.otherActivity();
      const retained = await environment.retainedBytes();
      expect(retained).toBeGreaterThan(4 << 20);
      const before = reading.seen.length;
      await reading.untilHead();
      const steps = reading.seen.slice(before);
      expect(steps.length).toBeGreaterThan(0);
      expect(steps.every(({ rows, schemaChanges }) => rows.length === 0 && schemaChanges.length === 0)).toBe(true);
      expect(comparePositions(reading.checkpoint.position, checkpoint.position)).toBeGreaterThan(0);
      // What was confirmed before may be forgotten in between, if the source tells the server late.
      expect(await environment.retainedBytes(), 'nothing is forgotten before the confirm').toBeGreaterThan(4 << 20);
      await reading.session.confirm(reading.checkpoint);
      await expect.poll(async () => await environment.retainedBytes()).toBeLessThan(retained / 2);
    });

    it('ends at the first checkpoint at or past the target, though more is waiting behind it', async () => {
      await using environment = await driver.start();
      await using reading = await Reading.open(environment.source(), null);
      await reading.untilCopied();
      await environment.apply([{ op: 'insert', id: 1, label: 'before' }]);
      const target = await reading.head();
      for (let part = 1; part <= 8; part++) await environment.fill(part * 10_000, 5_000, `behind ${part}`);
      // All of it is on its way to the source before the end is asked for.
      await reading.until(({ rows }) => rows.length > 0);
      await sleep(500);
      reading.session.finishAt(target);
      await reading.untilEnd();
      const reached = reading.seen.filter(
        ({ checkpoint }) => checkpoint !== null && comparePositions(checkpoint.position, target) >= 0,
      );
      expect(reached).toHaveLength(1);
      expect(reading.seen.at(-1)).toBe(reached[0]);
      await reading[Symbol.asyncDispose]();
      await using rest = await Reading.open(environment.source(), reading.checkpoint);
      await rest.untilHead();
      expect(reading.streamed.length + rest.streamed.length).toBe(1 + 8 * 5_000);
    });

    it('ends at once when the target is passed already', async () => {
      await using environment = await driver.start();
      await environment.fill(1, 10, 'a');
      const target = await environment.source().head(new AbortController().signal);
      await using reading = await Reading.open(environment.source(), null);
      reading.session.finishAt(target);
      await reading.untilEnd();
      expect(reading.copied).toHaveLength(10);
      await reading[Symbol.asyncDispose]();
      await using again = await Reading.open(environment.source(), reading.checkpoint);
      again.session.finishAt(target);
      await again.untilEnd();
      expect(again.rows).toEqual([]);
    });
  });
}
