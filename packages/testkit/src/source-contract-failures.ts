import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Checkpoint, Source, WeirError } from '@weir/sdk';
import { Reading, failure } from './reading.ts';
import type { Discontinuity, SourceDriver, SourceEnvironment } from './source-driver.ts';

/** After an abort nothing may wait for the database, in ms. */
const PROMPT_MS = 10_000;

export function describeFailures<Environment extends SourceEnvironment>(driver: SourceDriver<Environment>): void {
  describe('a discontinuity is refused with its code, never passed over (invariant 6)', () => {
    for (const discontinuity of driver.discontinuities) {
      it(`${discontinuity.name}, ${discontinuity.when}: ${discontinuity.code}`, async () => {
        await using environment = await driver.start();
        const { error, rows } = await (discontinuity.when === 'stopped' ? causeStopped : causeStreaming)(
          environment,
          discontinuity,
        );
        expect(error.code, error.message).toBe(discontinuity.code);
        expect(error.policy).toMatchObject({ exit: 4, policy: 'stop' });
        expect(rows, 'nothing may be delivered behind the gap').toBe(0);
      });
    }
  });

  describe('abort', () => {
    it('ends a stream that waits', async () => {
      await using environment = await driver.start();
      await using reading = await Reading.open(environment.source(), null);
      await reading.untilCopied();
      await expectPromptEnd(reading, reading.next());
    });

    it('ends a copy', async () => {
      await using environment = await driver.start();
      await environment.fill(1, 60_000, 'a');
      await using reading = await Reading.open(environment.source(), null);
      await reading.until(({ chunk }) => chunk !== null);
      await expectPromptEnd(reading, reading.untilEnd());
    });

    it('is heard when it came before the first pull', async () => {
      await using environment = await driver.start();
      await using reading = await Reading.open(environment.source(), null);
      reading.abort();
      await expectPromptEnd(reading, reading.untilEnd());
      expect(reading.rows).toEqual([]);
    });

    it('before open is thrown, and changes nothing', async () => {
      await using environment = await driver.start();
      const reason = new Error('aborted by the test');
      await expect(environment.source().open(null, AbortSignal.abort(reason))).rejects.toBe(reason);
    });
  });

  describe('dispose', () => {
    it('lets go of everything, so that the next session can open at once', async () => {
      await using environment = await driver.start();
      await environment.fill(1, 10, 'a');
      let from: Checkpoint | null = null;
      for (let run = 0; run < 5; run++) {
        await using reading = await Reading.open(environment.source(), from);
        if (run === 0) await reading.untilCopied();
        await environment.apply([{ op: 'insert', id: 100 + run, label: 'b' }]);
        await reading.untilStreamed(1);
        from = reading.checkpoint;
        expect(reading.streamed).toHaveLength(1);
      }
    });

    it('ends batches that somebody waits for', async () => {
      await using environment = await driver.start();
      await using reading = await Reading.open(environment.source(), null);
      await reading.untilCopied();
      const pending = reading.next().then(
        () => 'ended',
        () => 'ended',
      );
      await sleep(200);
      await reading.session[Symbol.asyncDispose]();
      expect(await Promise.race([pending, sleep(PROMPT_MS, 'still waiting')])).toBe('ended');
    });
  });
}

interface Refusal {
  readonly error: WeirError;
  /** What came after the discontinuity. */
  readonly rows: number;
}

async function causeStopped<E extends SourceEnvironment>(environment: E, discontinuity: Discontinuity<E>): Promise<Refusal> {
  const checkpoint = await streamedOnce(environment);
  const from = (await discontinuity.cause(environment, checkpoint)) ?? checkpoint;
  return { error: await failure(openAndPull(environment.source(), from)), rows: 0 };
}

async function causeStreaming<E extends SourceEnvironment>(
  environment: E,
  discontinuity: Discontinuity<E>,
): Promise<Refusal> {
  const checkpoint = await streamedOnce(environment);
  await using reading = await Reading.open(environment.source(), checkpoint);
  await environment.apply([{ op: 'insert', id: 2, label: 'b' }]);
  await reading.untilStreamed(1);
  const pending = reading.untilFailure();
  await discontinuity.cause(environment, checkpoint);
  const error = await pending;
  return { error, rows: reading.streamed.length - 1 };
}

/** A checkpoint with a copied table and a streamed row behind it. */
async function streamedOnce(environment: SourceEnvironment): Promise<Checkpoint> {
  await using reading = await Reading.open(environment.source(), null);
  await reading.untilCopied();
  await environment.apply([{ op: 'insert', id: 1, label: 'a' }]);
  await reading.untilStreamed(1);
  await reading.session.confirm(reading.checkpoint);
  return reading.checkpoint;
}

/** Refused when it is opened, or before the first batch. */
async function openAndPull(source: Source, from: Checkpoint): Promise<void> {
  await using reading = await Reading.open(source, from);
  await reading.next();
}

/** The work ends soon after an abort: of itself, or with the reason that was given. */
async function expectPromptEnd(reading: Reading, work: Promise<unknown>): Promise<void> {
  const ended = work.then(
    () => 'ended',
    (error: unknown) => (error as Error).message,
  );
  if (!reading.aborted) {
    await sleep(200);
    reading.abort();
  }
  const late = sleep(PROMPT_MS, 'still running');
  expect(['ended', 'aborted by the test']).toContain(await Promise.race([ended, late]));
}
