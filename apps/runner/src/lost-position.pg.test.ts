import { temporaryPostgres, type TemporaryPostgres } from '@weir/services';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ShapeWorld } from './shape-world.fake.ts';

// A real server and whole pipelines, which take their time on a busy machine.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

let server: TemporaryPostgres;
beforeAll(async () => {
  server = await temporaryPostgres();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const SHOP = `CREATE TABLE orders (id int PRIMARY KEY, note text);
  INSERT INTO orders SELECT n, 'order ' || n FROM generate_series(1, 20) n;
  CREATE TABLE lines (id int PRIMARY KEY); INSERT INTO lines VALUES (1), (2)`;
const IN_THE_GAP = "DELETE FROM orders WHERE id < 5; UPDATE orders SET note = 'changed' WHERE id = 7; INSERT INTO lines VALUES (3)";
const SECOND = '      second: { duckdb: { path: ./second.duckdb } }';

describe('a position that is lost (invariant 6)', () => {
  test('stops the pipeline; with on_lost_position: resnapshot both sinks end equal, deletes of the gap too', async () => {
    await using world = await ShapeWorld.make(server.url, 'slot_lost', SHOP);
    const config = world.config('', SECOND);
    await world.catchUp(config);
    await world.sql(`SELECT pg_drop_replication_slot('weir_slot_lost'); ${IN_THE_GAP}`);
    await expect(world.catchUp(config)).rejects.toMatchObject({ code: 'WEIR_PG_SLOT_LOST', policy: { exit: 4 } });
    const anew = world.config('', SECOND, 'on_lost_position: resnapshot');
    const status = await world.catchUp(anew);
    expect(status.source.begunAnew).toMatchObject({ code: 'WEIR_PG_SLOT_LOST' });
    for (const verdict of await world.verify(anew)) expect(verdict, JSON.stringify(verdict)).toMatchObject({ equal: true });
    await world.sql('INSERT INTO orders VALUES (100)');
    await world.catchUp(config);
    for (const verdict of await world.verify(anew)) expect(verdict, JSON.stringify(verdict)).toMatchObject({ equal: true });
  });

  test('under a running pipeline: it begins anew by itself, and goes on', async () => {
    await using world = await ShapeWorld.make(server.url, 'publication_lost', SHOP);
    const config = world.config('', SECOND, 'on_lost_position: resnapshot');
    await world.catchUp(config);
    await world.streaming(config, async (runtime) => {
      await world.sql(`DROP PUBLICATION weir_publication_lost; ${IN_THE_GAP}`);
      const source = (): unknown => runtime.status().pipelines[0]!.source;
      await expect.poll(source).toMatchObject({ phase: 'stream', begunAnew: expect.anything() as unknown });
    });
    for (const verdict of await world.verify(config)) expect(verdict, JSON.stringify(verdict)).toMatchObject({ equal: true });
  });
});
