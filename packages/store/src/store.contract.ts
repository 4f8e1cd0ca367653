import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Json, Shard } from '@weir/sdk';
import type { Store, StoredCheckpoint } from './store.ts';

const shard: Shard = { pipeline: 'shop', sink: 'warehouse', shard: 0 };

function checkpointAt(position: string, state: Json = null, staged: Json | null = null): StoredCheckpoint {
  return { checkpoint: { position, state }, staged };
}

/** Values that a careless encoding changes. */
const exactValues: readonly Json[] = [
  null,
  true,
  0,
  -1.5,
  1e-300,
  Number.MAX_SAFE_INTEGER,
  Number.MAX_VALUE,
  '',
  'null',
  '9007199254740993',
  '18446744073709551615',
  'Grüße, 世界, 🦭, e\u0301, \ufeff',
  '\u0000 \u001f \u007f \u2028 " \\ \'',
  '\ud800 alone',
  [],
  {},
  [[], [null], { a: [] }],
  JSON.parse('{"": 1, "a.b": 2, "__proto__": 3, "constructor": 4, "ключ": 5}') as Json,
];

/** What every store does. `open` gives an empty store. */
export function storeContract(name: string, open: () => Store): void {
  describe(`${name} as a store`, () => {
    let store: Store;
    beforeEach(() => {
      store = open();
    });
    afterEach(() => store[Symbol.asyncDispose]());

    test('holds nothing at first', async () => {
      expect(await store.loadCheckpoint(shard)).toBeNull();
      expect(await store.loadHint('shop', 'phase')).toBeNull();
    });

    test('gives back the checkpoint that was saved last', async () => {
      await store.saveCheckpoint(shard, checkpointAt('a', { chunk: 1 }, { files: ['1'] }));
      await store.saveCheckpoint(shard, checkpointAt('b', { chunk: 2 }));
      expect(await store.loadCheckpoint(shard)).toEqual(checkpointAt('b', { chunk: 2 }, null));
    });

    test('keeps a checkpoint for each pipeline, sink and shard', async () => {
      const shards: Shard[] = [
        shard,
        { ...shard, shard: 1 },
        { ...shard, sink: 'search' },
        { ...shard, pipeline: 'shop2' },
        { pipeline: 'shop/a', sink: 'b', shard: 0 },
        { pipeline: 'shop', sink: 'a/b', shard: 0 },
        { pipeline: 'shop","a', sink: 'b', shard: 0 },
        { pipeline: 'shop', sink: 'a","b', shard: 0 },
        { pipeline: 'Shop', sink: 'warehouse', shard: 0 },
      ];
      for (const [index, key] of shards.entries()) await store.saveCheckpoint(key, checkpointAt(`p${index}`));
      for (const [index, key] of shards.entries()) {
        expect(await store.loadCheckpoint(key)).toEqual(checkpointAt(`p${index}`));
      }
    });

    test('keeps the intent of a staged sink until it is saved without one', async () => {
      const intent = { job: 'weir-7', parts: ['a', 'b'], rows: '9007199254740993' };
      await store.saveCheckpoint(shard, checkpointAt('a', null, intent));
      expect((await store.loadCheckpoint(shard))?.staged).toEqual(intent);
      await store.saveCheckpoint(shard, checkpointAt('a'));
      expect((await store.loadCheckpoint(shard))?.staged).toBeNull();
    });

    test.each(exactValues.map((value) => [value]))('gives back exactly %j', async (value) => {
      await store.saveCheckpoint(shard, checkpointAt('a', value, value));
      await store.saveHint('shop', 'value', value);
      expect(await store.loadCheckpoint(shard)).toStrictEqual(checkpointAt('a', value, value));
      expect(await store.loadHint('shop', 'value')).toStrictEqual(value);
    });

    test('gives back a large state', async () => {
      const state = Array.from({ length: 50_000 }, (_, id) => ({ chunk: id, upTo: String(id * 1000) }));
      await store.saveCheckpoint(shard, checkpointAt('a', state));
      expect((await store.loadCheckpoint(shard))?.checkpoint.state).toStrictEqual(state);
    });

    test('shares no object with its callers', async () => {
      const state = { tables: ['orders'] };
      await store.saveCheckpoint(shard, checkpointAt('a', state, state));
      await store.saveHint('shop', 'value', state);
      state.tables.push('changed after the save');
      const stored = await store.loadCheckpoint(shard);
      (stored!.checkpoint.state as unknown as typeof state).tables.push('changed after the load');
      expect(await store.loadCheckpoint(shard)).toEqual(checkpointAt('a', { tables: ['orders'] }, { tables: ['orders'] }));
      expect(await store.loadHint('shop', 'value')).toEqual({ tables: ['orders'] });
    });

    test('keeps the last hint for each pipeline and name', async () => {
      await store.saveHint('shop', 'phase', 'snapshot');
      await store.saveHint('shop', 'phase', 'stream');
      await store.saveHint('shop', 'rows', 7);
      await store.saveHint('shop2', 'phase', 'connecting');
      expect(await store.loadHint('shop', 'phase')).toBe('stream');
      expect(await store.loadHint('shop', 'rows')).toBe(7);
      expect(await store.loadHint('shop2', 'phase')).toBe('connecting');
      expect(await store.loadHint('shop2', 'rows')).toBeNull();
    });

    test('refuses to be used after it was disposed, and may be disposed again', async () => {
      await store[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await expect(store.loadCheckpoint(shard)).rejects.toMatchObject({ code: 'WEIR_SDK_USE' });
      await expect(store.saveCheckpoint(shard, checkpointAt('a'))).rejects.toMatchObject({ code: 'WEIR_SDK_USE' });
      await expect(store.loadHint('shop', 'phase')).rejects.toMatchObject({ code: 'WEIR_SDK_USE' });
      await expect(store.saveHint('shop', 'phase', 1)).rejects.toMatchObject({ code: 'WEIR_SDK_USE' });
    });
  });
}

/** What every store does that outlives its process. `open` gives the store of a directory. */
export function durableStoreContract(name: string, open: (directory: string) => Store): void {
  describe(`${name} as a durable store`, () => {
    let directory: string;
    beforeEach(() => {
      directory = mkdtempSync(join(tmpdir(), 'weir-store-'));
    });
    afterEach(() => rmSync(directory, { recursive: true }));

    test('keeps everything when it is opened again', async () => {
      for (let run = 0; run < 3; run++) {
        await using store = open(directory);
        const before = run === 0 ? null : checkpointAt(`p${run - 1}`, { run: run - 1 }, ['intent', run - 1]);
        expect(await store.loadCheckpoint(shard)).toEqual(before);
        expect(await store.loadHint('shop', 'run')).toBe(run === 0 ? null : run - 1);
        await store.saveCheckpoint(shard, checkpointAt(`p${run}`, { run }, ['intent', run]));
        await store.saveHint('shop', 'run', run);
      }
    });

    test('is open once: the second gets WEIR_STORE_LOCKED and disturbs nothing', async () => {
      await using store = open(directory);
      await store.saveCheckpoint(shard, checkpointAt('a'));
      expect(() => open(directory)).toThrow(expect.objectContaining({ code: 'WEIR_STORE_LOCKED' }));
      expect(() => open(directory)).toThrow(expect.objectContaining({ code: 'WEIR_STORE_LOCKED' }));
      await store.saveCheckpoint(shard, checkpointAt('b'));
      expect(await store.loadCheckpoint(shard)).toEqual(checkpointAt('b'));
    });
  });
}
