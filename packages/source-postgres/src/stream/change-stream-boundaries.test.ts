import type { Relation } from '@weir/pgoutput';
import type { Batch, SchemaChange } from '@weir/sdk';
import { describe, expect, test } from 'vitest';
import type { StreamHost } from './stream-host.ts';
import { FROM, at, items, knowing, started } from '../testing/started-stream.ts';

const change: SchemaChange = { table: items, change: 'key' };

/** A host that has to learn every table that has more columns than one, and answers when it is told to. */
function learning(): { host: Pick<StreamHost, 'relation' | 'knows' | 'learn'>; learned: Relation[]; answer: () => void } {
  const learned: Relation[] = [];
  let resolve = (_: readonly SchemaChange[]): void => {};
  const known = new Set([1]);
  const host = {
    relation: ({ columns }: Relation) => ({
      table: { ...items, columns: columns.map(({ name }) => ({ ...items.columns[0]!, name })) },
      rewrites: columns.map(() => null),
      skip: false,
    }),
    knows: ({ columns }: Relation) => known.has(columns.length),
    learn: async (relation: Relation) => {
      learned.push(relation);
      const changes = await new Promise<readonly SchemaChange[]>((answered) => {
        resolve = answered;
      });
      known.add(relation.columns.length);
      return changes;
    },
  };
  return { host, learned, answer: () => resolve([change]) };
}

const begin: StreamHost['begin'] = ({ commitLsn }) => {
  return { position: `commit ${commitLsn}`, version: commitLsn, time: 0, transactionId: '7' };
};
const keys = (batch: Batch | null): number => batch?.rows ?? -1;

describe('a table that the host has to learn', () => {
  test('stops the connection there, closes the batch before, and begins the next with the change and the transaction', async () => {
    const { host, learned, answer } = learning();
    const { server, next } = await started({ host: { ...host, begin } });
    server.transaction(2000n, '1');
    server.begin(3000n);
    server.insert('2');
    server.announce('more');
    const before = await next();
    expect(before).toMatchObject({ rows: 2, checkpoint: null, schemaChanges: [] });
    expect([server.paused, learned.map(({ columns }) => columns.length)]).toEqual([true, [2]]);
    // What Node had read already when the socket was stopped waits its turn.
    server.row('3', 'x');
    server.commit(3000n);
    expect(await next()).toBeNull();
    answer();
    const behind = await next();
    expect(behind).toMatchObject({ rows: 1, schemaChanges: [change], checkpoint: { position: at(3008n) } });
    expect(behind!.commits.map(({ position }) => position)).toEqual(['commit 3000']);
    expect(behind!.tables[0]!.columns).toHaveLength(2);
    expect(server.paused).toBe(false);
  });

  test('inside one chunk of the connection: the messages behind wait in the slab', async () => {
    const { host, answer } = learning();
    const { server, next } = await started({ host: { ...host, begin } });
    server.together(() => {
      server.begin(2000n);
      server.insert('1');
      server.announce('more');
      server.row('2', 'x');
      server.commit(2000n);
      server.keepalive(3000n);
    });
    expect(await next()).toMatchObject({ rows: 1, checkpoint: null });
    answer();
    expect(await next()).toMatchObject({ rows: 1, schemaChanges: [change], checkpoint: { position: at(2008n) } });
  });

  test('without rows behind it still gives its change, with the transaction', async () => {
    const { host, answer } = learning();
    const { server, next } = await started({ host: { ...host, begin } });
    server.begin(2000n);
    server.announce('more');
    await next();
    answer();
    server.commit(2000n);
    expect(await next()).toMatchObject({ rows: 0, schemaChanges: [change], commits: [{ position: 'commit 2000' }] });
  });
});

describe('endAtBoundary', () => {
  test('outside a transaction ends at once, with what has gathered', async () => {
    const { server, stream, batches, next } = await started();
    server.transaction(2000n, '1');
    server.keepalive(2500n);
    stream.endAtBoundary();
    expect(await next()).toMatchObject({ rows: 1, checkpoint: { position: at(2500n) } });
    server.transaction(3000n, '2');
    expect(await batches.next()).toEqual({ done: true, value: undefined });
    expect(stream.boundary).toBe(2500n);
  });

  test('inside a transaction ends behind it, though more has come in the same chunk', async () => {
    const { server, stream, batches, next } = await started();
    server.begin(2000n);
    server.insert('1');
    stream.endAtBoundary();
    expect(await next()).toBeNull();
    server.together(() => {
      server.insert('2');
      server.commit(2000n);
      server.transaction(3000n, '3');
    });
    expect(await next()).toMatchObject({ rows: 2, checkpoint: { position: at(2008n) } });
    expect((await batches.next()).done).toBe(true);
    expect(stream.boundary).toBe(2008n);
  });

  test('gives a checkpoint that the batch before owes, and nothing where there is nothing to say', async () => {
    const { host, answer } = learning();
    const { server, stream, next } = await started({ host: { ...host, begin: () => null } });
    server.begin(2000n);
    server.announce('more');
    stream.endAtBoundary();
    expect(await next()).toBeNull();
    answer();
    server.commit(2000n);
    expect(await next()).toMatchObject({ rows: 0, schemaChanges: [change], checkpoint: { position: at(2008n) } });
    const idle = await started();
    idle.stream.endAtBoundary();
    expect(await idle.batches.next()).toEqual({ done: true, value: undefined });
    expect(idle.stream.boundary).toBe(FROM);
  });

  test('with an open streamed transaction ends where it is: that commits later', async () => {
    const { server, stream, batches, next } = await started({ protocol: { version: 4, streaming: true } });
    server.transaction(2000n, '1');
    server.block(9, true, [9, '2']);
    stream.endAtBoundary();
    expect(await next()).toMatchObject({ rows: 1, checkpoint: { position: at(2008n) } });
    expect((await batches.next()).done).toBe(true);
    expect(stream.boundary).toBe(2008n);
  });
});

describe('atBoundary', () => {
  test('waits for the place and the end of the transaction, and gives its changes in a batch of their own', async () => {
    const { server, stream, next } = await started();
    const applied: bigint[] = [];
    stream.atBoundary(2004n, () => {
      applied.push(stream.boundary);
      return [change];
    });
    server.transaction(1500n, '1');
    expect(applied).toEqual([]);
    server.together(() => {
      server.transaction(2000n, '2');
      server.transaction(3000n, '3');
    });
    expect(applied).toEqual([2008n]);
    const seen = [await next(), await next(), await next()];
    expect(seen.map(keys)).toEqual([2, 0, 1]);
    expect(seen.map((batch) => batch!.schemaChanges)).toEqual([[], [change], []]);
    expect(seen.map((batch) => batch!.checkpoint?.position)).toEqual([undefined, at(2008n), at(3008n)]);
  });

  test('fires at once where the stream is far enough, and several fire in the order of their places', async () => {
    const { server, stream, next } = await started();
    const order: string[] = [];
    const note = (what: string) => (): readonly SchemaChange[] => {
      order.push(what);
      return [];
    };
    server.keepalive(2000n);
    stream.atBoundary(2000n, note('now'));
    expect(order).toEqual(['now']);
    stream.atBoundary(4000n, note('last'));
    stream.atBoundary(3000n, note('first'));
    stream.atBoundary(3000n, note('second'));
    server.begin(4500n);
    server.keepalive(9000n);
    expect(order).toEqual(['now']);
    server.commit(4500n);
    expect(order).toEqual(['now', 'first', 'second', 'last']);
    expect(await next(), 'nothing to give').toBeNull();
  });

  test('asks an idle server where it is', async () => {
    const { server, clock, stream, next } = await started();
    stream.atBoundary(5000n, () => [change]);
    await clock.advance(1_000);
    expect(server.statuses.filter(({ asksReply }) => asksReply).length).toBeGreaterThan(5);
    server.keepalive(5000n);
    expect(await next()).toMatchObject({ rows: 0, schemaChanges: [change], checkpoint: { position: at(5000n) } });
    const count = server.statuses.length;
    await clock.advance(1_000);
    expect(server.statuses.length).toBe(count);
  });

  test('fires before an end at the same place: finishAt gives its changes too', async () => {
    const { server, stream, batches, next } = await started();
    stream.atBoundary(2008n, () => [change]);
    stream.finishAt(2008n);
    server.transaction(2000n, '1');
    expect([keys(await next()), keys(await next())]).toEqual([1, 0]);
    expect((await batches.next()).done).toBe(true);
  });

  test('ends the stream with what it throws', async () => {
    const { stream, next } = await started();
    stream.atBoundary(FROM, () => {
      throw new Error('broken');
    });
    await expect(next()).rejects.toMatchObject({ message: expect.stringContaining('broken') as string });
  });

  test('sees the state of its moment in checkpoints, and so does what comes after', async () => {
    let state = 'before';
    const { server, stream, next } = await started({ checkpoint: (lsn) => ({ position: at(lsn), state }) });
    stream.atBoundary(2008n, () => {
      state = 'after';
      return [change];
    });
    server.together(() => {
      server.transaction(2000n, '1');
      server.transaction(3000n, '2');
    });
    const seen = [await next(), await next(), await next()];
    expect(seen.map((batch) => batch!.checkpoint?.state)).toEqual([undefined, 'after', 'after']);
  });
});

test('a transaction whose commit LSN is where the one before ended is another one (invariant 2)', async () => {
  const { server, next } = await started({ host: { ...knowing, begin: (b) => (b.commitLsn < FROM ? null : begin(b)) } });
  server.transaction(FROM - 8n, 'delivered before');
  server.transaction(FROM, '1');
  server.transaction(FROM + 8n, '2');
  const batch = await next();
  expect(batch!.commits.map(({ position }) => position)).toEqual(['commit 1000', 'commit 1008']);
  expect([...batch!.ordinal]).toEqual([1, 1]);
});
