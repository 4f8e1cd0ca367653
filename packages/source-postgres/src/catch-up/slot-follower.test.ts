import { formatLsn } from '@weir/pgoutput';
import { WeirError, type ErrorCode } from '@weir/sdk';
import { ManualClock } from '@weir/testkit';
import { expect, test } from 'vitest';
import { SlotFollower } from './slot-follower.ts';

const FAR = 300n << 20n;

/** A follower of a slot at 0/64, with the places to which it was moved, and what moving it is answered with. */
function following(from = 100n) {
  const clock = new ManualClock();
  const places: string[] = [];
  const failures: Error[] = [];
  const answers: ((() => void) | undefined)[] = [];
  const slot = {
    place: 100n,
    advance: async (lsn: bigint) => {
      answers.shift()?.();
      places.push(formatLsn(lsn));
      await Promise.resolve();
    },
  };
  const follower = new SlotFollower({ slot, clock, from, failed: (error) => failures.push(error) });
  return { clock, places, failures, answers, follower };
}

const serverSays = (code: ErrorCode) => (): void => {
  throw new WeirError(code, 'the server says no');
};

test('moves the slot five seconds later to the last place that was confirmed (invariant 1)', async () => {
  const { clock, places, follower } = following();
  follower.confirm(200n);
  await clock.advance(4_900);
  follower.confirm(300n);
  expect(places).toEqual([]);
  await clock.advance(200);
  expect(places).toEqual(['0/12C']);
  await clock.advance(20_000);
  expect(places).toEqual(['0/12C']);
});

test('moves it at once when much has become durable', async () => {
  const { clock, places, follower } = following();
  follower.confirm(200n);
  await clock.settle();
  follower.confirm(FAR);
  await clock.settle();
  expect(places).toEqual(['0/12C00000']);
});

test('uses a slot that stays twice a minute, so that the server does not take it for idle', async () => {
  const { clock, places, follower } = following();
  for (let second = 0; second < 70; second += 5) {
    follower.confirm(100n);
    await clock.advance(5_000);
  }
  expect(places).toEqual(['0/64', '0/64']);
});

test('tries again while somebody else has the slot, and fails at anything else', async () => {
  const { clock, places, failures, answers, follower } = following();
  answers.push(serverSays('WEIR_PG_SLOT_IN_USE'), undefined, serverSays('WEIR_PG_GRANT_SELECT'));
  follower.confirm(200n);
  await clock.advance(5_100);
  expect(places).toEqual([]);
  await clock.advance(5_100);
  expect(places).toEqual(['0/C8']);
  follower.confirm(300n);
  await clock.advance(5_100);
  expect(failures.map((error) => (error as WeirError).code)).toEqual(['WEIR_PG_GRANT_SELECT']);
});

test('moves it a last time when it is closed', async () => {
  const { places, follower } = following();
  follower.confirm(200n);
  await follower[Symbol.asyncDispose]();
  expect(places).toEqual(['0/C8']);
});

test('a slot that stands behind what is durable from the start is moved as well', async () => {
  const { clock, places, follower } = following(200n);
  await clock.advance(5_100);
  expect(places).toEqual(['0/C8']);
  await follower[Symbol.asyncDispose]();
  expect(places).toEqual(['0/C8']);
});
