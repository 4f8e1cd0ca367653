import { describeWithServices, service, type Toxic } from '@weir/testkit/services';
import { expect, test, vi } from 'vitest';
import { FaultyRoute } from './faulty-route.fake.ts';

// Real servers and a whole pipeline that waits between its attempts.
vi.setConfig({ testTimeout: 300_000 });

const older = service('postgres', { version: 17 });
const newer = service('postgres', { version: 18 });
const toxiproxy = service('toxiproxy');

/** What a pipeline says while the network is bad. */
const LOST = /^WEIR_PG_(?:CONNECTION_LOST|CONNECT)$/;

/** Transactions flow until one has met the fault: what limits bytes needs as many. */
async function fails(route: FaultyRoute): Promise<void> {
  const limit = AbortSignal.timeout(60_000);
  while (!LOST.test(route.failure ?? '')) {
    limit.throwIfAborted();
    await route.write(1);
  }
}

/** Everything arrived: each row once in the mirror, each change once in the history (invariants 1, 3 and 4). */
async function expectExactlyOnce(route: FaultyRoute): Promise<void> {
  const { source, mirror, changes, history, distinct } = await route.finish();
  expect(mirror).toEqual(source);
  expect({ history, distinct }).toEqual({ history: changes, distinct: changes });
}

/** At both ends, one after the other: transactions meet the toxic, and some follow when it is gone. */
async function poison(route: FaultyRoute, toxic: Omit<Toxic, 'stream'>): Promise<void> {
  for (const [end, stream] of [
    [route.source, 'downstream'],
    [route.sink, 'upstream'],
    [route.sink, 'downstream'],
  ] as const) {
    {
      await using _ = await end.add({ ...toxic, stream });
      await fails(route);
    }
    await route.write(10);
    await expect.poll(() => route.failure).toBe(null);
  }
}

await describeWithServices('PostgreSQL 17 → 18 over a bad network, nothing is lost or doubled', [older, newer, toxiproxy], () => {
  test.each([
    ['reset at once', { type: 'reset_peer', attributes: { timeout: 0 } }],
    ['closed after so many bytes, again and again', { type: 'limit_data', attributes: { bytes: 20_000 } }],
    ['silent, then closed', { type: 'timeout', attributes: { timeout: 300 } }],
  ] as const)('connections are %s', async (_what, toxic) => {
    await using route = await FaultyRoute.make(older, newer, toxiproxy);
    await route.start();
    await poison(route, toxic);
    await expectExactlyOnce(route);
  });

  test.each([
    ['every packet is late', { type: 'latency', attributes: { latency: 80, jitter: 40 } }],
    ['the line is thin', { type: 'bandwidth', attributes: { rate: 100 } }],
  ] as const)('%s: the pipeline does not fail, and is as fast as the line', async (_what, toxic) => {
    await using route = await FaultyRoute.make(older, newer, toxiproxy);
    await route.start();
    await using _down = await route.source.add({ ...toxic, stream: 'downstream' });
    await using _up = await route.sink.add({ ...toxic, stream: 'upstream' });
    await route.write(100);
    expect(route.failure).toBe(null);
    await expectExactlyOnce(route);
  });

  test('the source, then the sink, cannot be reached for a while, and comes back', async () => {
    await using route = await FaultyRoute.make(older, newer, toxiproxy);
    await route.start();
    for (const end of [route.source, route.sink]) {
      await route.write(20);
      await end.enable(false);
      await fails(route);
      await end.enable(true);
      await expect.poll(() => route.failure).toBe(null);
    }
    await expectExactlyOnce(route);
  });
});
