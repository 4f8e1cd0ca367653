import { ManualClock } from '@weir/testkit';
import { expect, test } from 'vitest';
import { Heartbeat } from './heartbeat.ts';

test('a heartbeat looks once a second at rest, and ten times from the moment on at which somebody waits', async () => {
  const clock = new ManualClock();
  const seen = { ticks: 0, sent: [] as boolean[], waits: false };
  const heartbeat = new Heartbeat({
    clock,
    send: (asksReply) => void seen.sent.push(asksReply),
    waits: () => seen.waits,
    isPaused: () => false,
    silent: () => {},
    ticked: () => void seen.ticks++,
  });
  heartbeat.start();
  await clock.advance(4_500);
  expect(seen).toMatchObject({ ticks: 4, sent: [] });
  seen.waits = true;
  heartbeat.hurry();
  await clock.advance(450);
  expect(seen).toMatchObject({ ticks: 8, sent: [true, true, true, true] });
  seen.waits = false;
  await clock.advance(5_150);
  expect(seen.ticks).toBe(14);
  expect(seen.sent).toHaveLength(5);
  heartbeat.stop();
});
