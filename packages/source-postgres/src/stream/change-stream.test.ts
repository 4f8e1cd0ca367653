import { WeirError, type Batch } from '@weir/sdk';
import { describe, expect, test } from 'vitest';
import { FROM, at, knowing, started } from '../testing/started-stream.ts';

describe('an idle stream', () => {
  test('moves on with an empty batch, ten seconds after the last one at the earliest (invariant 1)', async () => {
    const { server, clock, next } = await started();
    server.keepalive(2000n);
    expect(await next()).toBeNull();
    await clock.advance(9_900);
    expect(await next()).toBeNull();
    await clock.advance(200);
    expect(await next()).toMatchObject({ rows: 0, checkpoint: { position: at(2000n) } });
    server.keepalive(3000n);
    await clock.advance(9_700);
    expect(await next()).toBeNull();
    await clock.advance(400);
    expect(await next()).toMatchObject({ rows: 0, checkpoint: { position: at(3000n) } });
  });

  test('has nothing to say when the server’s end is where it was', async () => {
    const { server, clock, next } = await started();
    server.keepalive(FROM);
    server.keepalive(FROM, true);
    await clock.advance(30_000);
    expect(await next()).toBeNull();
  });

  test('moves on at once when the server asks: one that shuts down waits for it', async () => {
    const { server, next } = await started();
    server.keepalive(2000n, true);
    expect(await next()).toMatchObject({ rows: 0, checkpoint: { position: at(2000n) } });
    server.keepalive(2000n, true);
    expect(await next()).toBeNull();
  });

  test('does not take a keepalive inside a transaction for a boundary (invariant 3)', async () => {
    const { server, clock, next } = await started();
    server.begin(2000n);
    server.insert('1');
    server.keepalive(5000n, true);
    await clock.advance(20_000);
    expect(await next()).toBeNull();
    server.commit(2000n);
    expect(await next()).toMatchObject({ rows: 1, checkpoint: { position: at(2008n) } });
  });
});

describe('the server is told', () => {
  test('what was confirmed, never what was received, at once and then every five seconds (invariant 1)', async () => {
    const { server, clock, stream, next } = await started();
    server.transaction(2000n, '1');
    await next();
    const told = { written: FROM, flushed: FROM, applied: FROM, asksReply: false };
    expect(server.statuses).toEqual([told]);
    server.keepalive(3000n, true);
    expect(server.statuses).toEqual([told, told]);
    stream.confirm(2008n);
    expect(server.statuses.at(-1)).toEqual({ written: 2008n, flushed: 2008n, applied: 2008n, asksReply: false });
    const count = server.statuses.length;
    for (let second = 0; second < 20; second++) {
      await clock.advance(1_000);
      server.keepalive(3000n);
    }
    expect(server.statuses.slice(count).map(({ flushed }) => flushed)).toEqual([2008n, 2008n, 2008n, 2008n]);
  });

  test('nothing twice, and nothing backwards', async () => {
    const { server, stream } = await started();
    stream.confirm(3000n);
    stream.confirm(3000n);
    stream.confirm(2000n);
    stream.confirm(FROM);
    expect(server.statuses.map(({ flushed }) => flushed)).toEqual([FROM, 3000n]);
  });

  test('where to start, with names quoted', async () => {
    const { server } = await started({ publications: [`it's "mine"`, 'other'] });
    expect(server.queries).toEqual([
      `START_REPLICATION SLOT "weir_shop" LOGICAL 0/3E8 ` +
        `(proto_version '1', publication_names '"it''s ""mine""","other"', messages 'true')`,
    ]);
  });

  test('to answer while the target of finishAt is not reached, and the stream ends there', async () => {
    const { server, clock, stream, batches, next } = await started();
    stream.finishAt(4000n);
    await clock.advance(1_000);
    expect(server.statuses.length).toBeGreaterThan(5);
    expect(server.statuses.slice(1).every(({ asksReply }) => asksReply)).toBe(true);
    server.keepalive(4000n);
    expect(await next()).toMatchObject({ rows: 0, checkpoint: { position: at(4000n) } });
    expect(await batches.next()).toEqual({ done: true, value: undefined });
    expect(clock.sleepers, 'nothing ticks any more').toBe(0);
  });
});

describe('a consumer', () => {
  test('that is busy finds what came meanwhile in one batch', async () => {
    const { server, next } = await started();
    server.transaction(2000n, '1');
    expect(await next()).toMatchObject({ rows: 1 });
    server.transaction(3000n, '2', '3');
    server.transaction(4000n, '4');
    expect(await next()).toMatchObject({ rows: 3, checkpoint: { position: at(4008n) } });
  });

  test('that does not pull stops the connection at 8 MiB, and starts it again (invariant 8)', async () => {
    const { server, next } = await started();
    const kilobyte = Buffer.alloc(1024, 'x');
    server.begin(2000n);
    let sent = 0;
    for (; !server.paused && sent < 100_000; sent++) server.insert(kilobyte);
    expect(sent).toBeGreaterThan(2_000);
    expect(sent).toBeLessThan(9_000);
    server.commit(2000n);
    const batches: Batch[] = [];
    for (let batch = await next(); batch !== null; batch = await next()) batches.push(batch);
    expect(batches.reduce((sum, { rows }) => sum + rows, 0)).toBe(sent);
    expect(batches.map(({ checkpoint }) => checkpoint !== null)).toEqual([...batches.slice(1).map(() => false), true]);
    expect(server.paused).toBe(false);
  });
});

describe('a stream fails', () => {
  test('when the server is silent for a minute although asked, but not while it is stopped by us', async () => {
    const { server, clock, next } = await started();
    await clock.advance(50_000);
    expect(server.statuses.some(({ asksReply }) => asksReply)).toBe(true);
    server.keepalive(FROM);
    await clock.advance(59_000);
    expect(await next()).toBeNull();
    await clock.advance(2_000);
    await expect(next()).rejects.toMatchObject({ code: 'WEIR_PG_CONNECTION_LOST' });
    expect(clock.sleepers).toBe(0);
    const busy = await started();
    busy.server.begin(2000n);
    while (!busy.server.paused) busy.server.insert(Buffer.alloc(100_000, 'x'));
    await busy.clock.advance(600_000);
    busy.server.commit(2000n);
    expect((await busy.next())?.rows).toBeGreaterThan(0);
  });

  test.each([
    ['57P01', 'WEIR_PG_CONNECTION_LOST'],
    ['42704', 'WEIR_PG_PUBLICATION_MISSING'],
    ['55006', 'WEIR_PG_SLOT_IN_USE'],
    ['55000', 'WEIR_PG_SLOT_INVALIDATED'],
    ['53300', 'WEIR_PG_SENDERS_FULL'],
    ['XX000', 'WEIR_PG_QUERY'],
  ])('when the server says %s: %s, and the values of its DETAIL are not repeated (invariant 10)', async (code, expected) => {
    const { server, next } = await started();
    server.error(code, 'what happened');
    const error: unknown = await next().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: expected });
    expect((error as WeirError).message).toContain('what happened');
    expect(`${JSON.stringify(error)} ${(error as WeirError).message}`).not.toContain('a@b.example');
  });

  test('when the server ends it', async () => {
    const { server, next } = await started();
    server.send('c', Buffer.alloc(0));
    await expect(next()).rejects.toMatchObject({ code: 'WEIR_PG_CONNECTION_LOST' });
  });

  test('on a message that is not known, after the batches before it', async () => {
    const { server, next } = await started();
    server.transaction(2000n, '1');
    server.send('d', Buffer.from('?damaged'));
    expect(await next()).toMatchObject({ rows: 1, checkpoint: { position: at(2008n) } });
    await expect(next()).rejects.toMatchObject({ code: 'WEIR_PGOUTPUT_DAMAGED' });
  });

  test('in the middle of a transaction without giving its rows a checkpoint (invariant 3)', async () => {
    const learn = async (): Promise<never> => {
      await Promise.resolve();
      throw new WeirError('WEIR_PG_REPLICA_IDENTITY', 'public.items has lost its key');
    };
    const { server, next } = await started({ host: { ...knowing, knows: () => false, learn, begin: () => null } });
    server.begin(2000n);
    await expect(next()).rejects.toMatchObject({ code: 'WEIR_PG_REPLICA_IDENTITY' });
  });
});
