import { describe, expect, it } from 'vitest';
import type { Checkpoint } from '@weir/sdk';
import { itemEvents } from './items.ts';
import { Reading, failure } from './reading.ts';
import type { SourceDriver, SourceEnvironment } from './source-driver.ts';

const TRANSACTIONS = 5;

export function describeConfirm(driver: SourceDriver): void {
  describe('confirm', () => {
    it('is cumulative and idempotent, and lets upstream forget what was confirmed, nothing else (invariant 1)', async () => {
      await using environment = await driver.start();
      const checkpoints = await confirmed(environment, async ({ session }, [, second, third]) => {
        await session.confirm(third!);
        await session.confirm(third!);
        await session.confirm(second!);
      });
      for (let again = 0; again < 2; again++) {
        await using reading = await Reading.open(environment.source(), checkpoints[2]!);
        await reading.untilHead();
        expect(itemEvents(reading.rows)).toEqual(['insert 3 a', 'insert 4 a']);
      }
    });

    // A log that is kept for a time, whoever reads it, has every place in it: that is no case of the contract then.
    it.for(driver.prunes ? [driver] : [])('makes an older checkpoint useless, which is refused, never skipped over (invariant 6)', async (pruning) => {
      await using environment = await pruning.start();
      const checkpoints = await confirmed(environment, async ({ session }, [, , third]) => await session.confirm(third!));
      for (const older of checkpoints.slice(0, 2)) {
        const error = await failure(Reading.open(environment.source(), older));
        expect(error.policy, error.code).toMatchObject({ exit: 4, policy: 'stop' });
      }
      // The refusal changed nothing.
      await using reading = await Reading.open(environment.source(), checkpoints[2]!);
      await reading.untilHead();
      expect(itemEvents(reading.rows)).toEqual(['insert 3 a', 'insert 4 a']);
    });

    it('is taken during the copy and after the batches have ended', async () => {
      await using environment = await driver.start();
      await environment.fill(1, 20_000, 'a');
      await using reading = await Reading.open(environment.source(), null);
      await reading.until(({ chunk }) => chunk !== null);
      await reading.session.confirm(reading.checkpoint);
      await reading.untilCopied();
      await reading.session.confirm(reading.checkpoint);
      await environment.apply([{ op: 'insert', id: 0, label: 'b' }]);
      await reading.untilHead();
      await reading.session.confirm(reading.checkpoint);
      await reading[Symbol.asyncDispose]();
      await environment.apply([{ op: 'delete', id: 0 }]);
      await using rest = await Reading.open(environment.source(), reading.checkpoint);
      await rest.untilHead();
      expect(itemEvents(rest.rows)).toEqual(['delete 0']);
    });
  });
}

/** Streams five transactions, inserts of items 0 to 4, one checkpoint each, and confirms some. @returns the checkpoints */
async function confirmed(
  environment: SourceEnvironment,
  confirm: (reading: Reading, checkpoints: readonly Checkpoint[]) => Promise<void>,
): Promise<Checkpoint[]> {
  await using reading = await Reading.open(environment.source(), null);
  await reading.untilCopied();
  const checkpoints: Checkpoint[] = [];
  for (let id = 0; id < TRANSACTIONS; id++) {
    await environment.apply([{ op: 'insert', id, label: 'a' }]);
    await reading.untilStreamed(1);
    checkpoints.push(reading.checkpoint);
  }
  await confirm(reading, checkpoints);
  return checkpoints;
}
