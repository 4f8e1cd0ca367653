import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { silentLogger, WeirError, type Logger } from '@weir/sdk';
import { memoryStore, type Store } from '@weir/store';
import { describe, expect, test } from 'vitest';
import { FakeConnectors, FakeSource, ordersTable, positionOf } from './connectors.fake.ts';
import { loadConfig } from './config/load.ts';
import { TestFolder } from './folder.fake.ts';
import { recallStatus } from './runtime-status.ts';
import { choosePipelines } from './config/choose-pipelines.ts';
import { startRuntime, type Runtime } from './runtime.ts';

const TWO = `version: 1
http: false
pipelines:
  shop:
    source: {postgres: {url: x}}
    sinks: {warehouse: {duckdb: {path: ./shop.duckdb}}, events: {kafka: {brokers: [a]}}}
  other:
    source: {postgres: {url: x}}
    sinks: {warehouse: {duckdb: {path: ./other.duckdb}}}
`;

/** The two pipelines of fakes, with 40 commits at each source. */
async function start(folder: TestFolder, options: { log?: Logger; store?: Store; only?: string } = {}) {
  const connectors = new FakeConnectors(40);
  const config = loadConfig(folder.file('weir.yaml', TWO), {}, connectors);
  const runtime = await startRuntime(config, { log: silentLogger, ...options });
  return { runtime, config, connectors };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

function delivered(runtime: Runtime): number[] {
  return runtime.status().pipelines.flatMap(({ sinks }) => Object.values(sinks).map(({ rows }) => rows.delivered));
}

describe('a runtime', () => {
  test('runs every pipeline until it is stopped, which drains', async () => {
    using folder = new TestFolder();
    const { runtime, connectors } = await start(folder);
    await using _ = runtime;
    expect([...runtime.pipelines.keys()]).toEqual(['shop', 'other']);
    const running = runtime.run();
    await until(() => delivered(runtime).every((rows) => rows === 40));
    connectors.source('shop').commits = 50;
    await until(() => connectors.sink('shop', 'events').rows === 50);
    runtime.stop();
    await running;
    expect(runtime.status().pipelines.map(({ state }) => state)).toEqual(['stopped', 'stopped']);
    expect(connectors.sink('shop', 'warehouse').rows).toBe(50);
    expect(connectors.source('shop').confirmed.at(-1)).toBe(positionOf(50));
  });

  test('ends with the place in the file of a policy that stops it', async () => {
    using folder = new TestFolder();
    const stopping = TWO.replace('shop.duckdb}', 'shop.duckdb}, schema_changes: {drop: stop}');
    const connectors = new FakeConnectors(40);
    connectors.onMade = (made) => {
      if (made instanceof FakeSource) made.schemaChanges.set(7, { table: ordersTable, change: 'drop', column: 'note' });
    };
    const config = loadConfig(folder.file('weir.yaml', stopping), {}, connectors);
    await using runtime = await startRuntime(config, { log: silentLogger });
    await expect(runtime.run()).rejects.toMatchObject({
      code: 'WEIR_SCHEMA_CHANGE',
      path: 'pipelines.shop.sinks.warehouse.schema_changes.drop',
      place: { line: 6, column: 79 },
      fix: 'Write `schema_changes: { drop: apply }` for the sink warehouse, then start again.',
    });
    const shop = runtime.status().pipelines.find(({ name }) => name === 'shop')!;
    expect(shop.sinks['warehouse']!.schemaChangeTotals).toEqual({ drop: { stop: 1 } });
  });

  test('gives each pipeline a folder of its own in the state directory, and makes none', async () => {
    using folder = new TestFolder();
    const { runtime, config, connectors } = await start(folder);
    await using _ = runtime;
    expect(connectors.folders).toEqual(new Map(['shop', 'other'].map((name) => [name, join(config.stateDirectory, name)])));
    expect(existsSync(connectors.folders.get('shop')!)).toBe(false);
  });

  test('ends by itself at the head of each source', async () => {
    using folder = new TestFolder();
    const { runtime, connectors } = await start(folder);
    await using _ = runtime;
    connectors.source('shop').failures.push(new WeirError('WEIR_PG_CONNECT', 'not yet'));
    await Promise.all([runtime.run(), runtime.finishAtHead()]);
    expect(connectors.sink('shop', 'events').rows).toBe(40);
    expect(connectors.sink('other', 'warehouse').rows).toBe(40);
  });

  test('a source that refuses to tell its head is an error', async () => {
    using folder = new TestFolder();
    const { runtime, connectors } = await start(folder, { only: 'shop' });
    await using _ = runtime;
    connectors.source('shop').failures.push(new WeirError('WEIR_PG_AUTH', 'wrong password'));
    const running = runtime.run();
    await expect(runtime.finishAtHead()).rejects.toMatchObject({ code: 'WEIR_PG_AUTH' });
    runtime.stop();
    await running;
  });

  test('one pipeline that fails stops the others, drained, and is the error', async () => {
    using folder = new TestFolder();
    const { runtime, connectors } = await start(folder);
    await using _ = runtime;
    connectors.sink('other', 'warehouse').failure = new WeirError('WEIR_DUCKDB_VALUE', 'does not fit');
    await expect(runtime.run()).rejects.toMatchObject({ code: 'WEIR_DUCKDB_VALUE' });
    expect(runtime.status().pipelines.map(({ state }) => state)).toEqual(['stopped', 'failed']);
    const { rows, checkpoint } = connectors.sink('shop', 'warehouse');
    expect(checkpoint?.position ?? positionOf(0)).toBe(positionOf(rows));
  });

  test('a refusal of a connector has its place in the file', async () => {
    using folder = new TestFolder();
    const { runtime, connectors } = await start(folder, { only: 'shop' });
    await using _ = runtime;
    connectors.source('shop').refusal = new WeirError('WEIR_PG_AUTH', 'wrong password', { path: 'url' });
    await expect(runtime.run()).rejects.toMatchObject({
      code: 'WEIR_PG_AUTH',
      path: 'pipelines.shop.source.postgres.url',
      place: { line: 5, column: 30 },
    });
  });

  test('gives half of the memory to the sinks', async () => {
    using folder = new TestFolder();
    const { runtime, config } = await start(folder);
    await using _ = runtime;
    const [shop] = runtime.status().pipelines;
    expect(config.pipelines.get('shop')!.sinks.map(({ options }) => options.memoryBytes)).toEqual([2 ** 26, 2 ** 26]);
    expect(shop!.bufferBytes).toBe(2 ** 27);
  });

  test('leaves its status behind for when nothing runs', async () => {
    using folder = new TestFolder();
    const { runtime, config } = await start(folder, { only: 'shop' });
    expect(() => recallStatus(config.stateDirectory)).toThrow(expect.objectContaining({ code: 'WEIR_STORE_LOCKED' }));
    await Promise.all([runtime.run(), runtime.finishAtHead()]);
    await runtime[Symbol.asyncDispose]();
    const statuses = recallStatus(config.stateDirectory);
    expect([...statuses.keys()]).toEqual(['shop']);
    expect(statuses.get('shop')).toMatchObject({ pid: process.pid, pipelines: [{ name: 'shop', state: 'stopped' }] });
    expect(statuses.get('shop')!.pipelines[0]!.sinks['warehouse']!.rows.delivered).toBe(40);
  });

  test('a status that cannot be saved stops nothing', async () => {
    using folder = new TestFolder();
    const warnings: string[] = [];
    const store: Store = memoryStore();
    store.saveHint = () => Promise.reject(new WeirError('WEIR_STORE_WRITE', 'disk full'));
    const log = { ...silentLogger, warn: (_: object, message: string) => void warnings.push(message) };
    const { runtime } = await start(folder, { store, log, only: 'shop' });
    await using _ = runtime;
    await Promise.all([runtime.run(), runtime.finishAtHead()]);
    expect(warnings).toContain('the status was not remembered: disk full');
  });

  test('a second one with the same state is refused', async () => {
    using folder = new TestFolder();
    const { runtime, config } = await start(folder);
    await using _ = runtime;
    await expect(startRuntime(config, { log: silentLogger })).rejects.toMatchObject({ code: 'WEIR_STORE_LOCKED' });
  });

  test('a pipeline that is not in the file', async () => {
    using folder = new TestFolder();
    const config = loadConfig(folder.file('weir.yaml', TWO), {}, new FakeConnectors());
    expect(() => choosePipelines(config, 'shpo')).toThrow(
      expect.objectContaining({ code: 'WEIR_USAGE', fix: 'Did you mean shop?' }),
    );
    expect(() => choosePipelines(config, 'x')).toThrow(expect.objectContaining({ fix: 'Name one of: shop, other.' }));
  });
});
