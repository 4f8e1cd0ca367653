import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { Reading } from './reading.ts';
import type { SourceDriver, SourceEnvironment } from './source-driver.ts';

const ROWS = 200_000;
/** Bytes of a row; all rows together are far more than a source may hold. */
const ROW_BYTES = 1_000;
/** Most bytes that a source may hold for a consumer that does not pull, where its driver says nothing else. */
const HELD_BYTES = 64 << 20;

export function describeMemory(driver: SourceDriver): void {
  const { heldBytes: most = HELD_BYTES } = driver;
  describe('a consumer that stops pulling holds memory flat (invariant 8)', () => {
    it('while a large copy waits', { timeout: 120_000 }, async () => {
      await using environment = await driver.start();
      await environment.fill(1, ROWS, 'x'.repeat(ROW_BYTES));
      const before = heldBytes();
      await using reading = await Reading.open(environment.source(), null);
      await reading.until(({ chunk }) => chunk !== null);
      await expectFlat(before, most);
      expect(await countRows(reading)).toBe(ROWS);
    });

    it('while many transactions wait, and one large one', { timeout: 120_000 }, async () => {
      await using environment = await driver.start();
      await using reading = await Reading.open(environment.source(), null);
      await reading.untilCopied();
      await environment.apply([{ op: 'insert', id: 0, label: 'first' }]);
      await reading.untilStreamed(1);
      const inDatabase = driver.inProcess === true ? await backlogBytes(driver) : 0;
      const before = heldBytes();
      await fillBacklog(environment);
      await expectFlat(before + inDatabase, most);
      expect(await countRows(reading)).toBe(ROWS + 1);
    });
  });
}

async function fillBacklog(environment: SourceEnvironment): Promise<void> {
  const label = 'x'.repeat(ROW_BYTES);
  for (let part = 0; part < 50; part++) await environment.fill(1 + part * (ROWS / 100), ROWS / 100, label);
  await environment.fill(1 + ROWS / 2, ROWS / 2, label);
}

/** What a database in this process holds of the backlog itself, as one without a source shows. */
async function backlogBytes(driver: SourceDriver): Promise<number> {
  await using environment = await driver.start();
  const before = heldBytes();
  await fillBacklog(environment);
  return heldBytes() - before;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes on the heap and in buffers that are still in use. */
function heldBytes(): number {
  // The memory of buffers that a collection finds counts until the next one.
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Looks for two seconds: what is held beyond `before` neither passes the bound nor goes on growing. */
async function expectFlat(before: number, most: number): Promise<void> {
  for (let look = 0; look < 8; look++) {
    await sleep(250);
    expect(heldBytes() - before).toBeLessThan(most);
  }
}

/** Pulls the rest without keeping it; the rows seen before count too. */
async function countRows(reading: Reading): Promise<number> {
  let rows = reading.rows.length;
  reading.session.finishAt(await reading.head());
  for (let batch = await reading.next(); batch !== null; batch = await reading.next()) {
    rows += batch.rows.length;
    reading.seen.length = 0;
  }
  return rows;
}
