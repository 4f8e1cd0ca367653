// Only with the oldest and the newest server: it takes long.
import { Reading, seededRandom, testSeed } from '@weir/testkit';
import type { Checkpoint } from '@weir/sdk';
import type { SeenRow } from '@weir/testkit';
import { describe, expect, test } from 'vitest';
import { VersionedRows, type KeyForm } from '../testing/versioned-rows.ts';
import { TestDatabase } from '../testing/test-database.ts';
import { useTestServer } from '../testing/test-server.ts';

const server = useTestServer();
const tables = ['public.*', '!public.other_*'];
const config = { tables, snapshot: { mode: 'initial', where: {}, chunk_rows: 3, max_connections: 2 } } as const;

const forms: readonly KeyForm[] = [
  { name: 'numbers', columns: 'id bigint', primaryKey: 'id', key: (id) => String(id * 7 - 200) },
  {
    name: 'text whose collation is not that of its bytes',
    columns: 'id text COLLATE "und-x-icu"',
    primaryKey: 'id',
    key: (id) => `'${['a', 'B', 'ä', 'Z', 'é'][id % 5]!}${id % 7}${String.fromCharCode(65 + (id % 26))}${id}'`,
  },
  {
    name: 'two columns',
    columns: 'region text, id uuid',
    primaryKey: 'region, id',
    key: (id) => `'r${id % 3}', md5('${id}')::uuid`,
  },
];

/** What reached a sink that was killed again and again: of each session what lies before its last checkpoint. */
async function readWithKills(database: TestDatabase, random: () => number, rows: VersionedRows): Promise<SeenRow[]> {
  const kept: SeenRow[] = [];
  let from: Checkpoint | null = null;
  for (let kills = Math.floor(random() * 4); kills > 0; kills--) {
    await using reading = await Reading.open(database.source(config), from);
    const batches = 1 + Math.floor(random() * 25);
    for (let batch = 0; batch < batches; batch++) await reading.next();
    const last = reading.seen.findLastIndex(({ checkpoint }) => checkpoint !== null);
    if (last === -1) continue;
    kept.push(...reading.seen.slice(0, last + 1).flatMap((batch) => batch.rows));
    from = reading.checkpoint;
    if (random() < 0.5) await reading.session.confirm(from);
  }
  await using reading = await Reading.open(database.source(config), from);
  await reading.until(() => reading.session.status().phase === 'stream');
  await rows.stop();
  await reading.untilHead();
  return [...kept, ...reading.rows];
}

describe('a copy by key, in small chunks, under load and with kills', () => {
  for (const form of forms) {
    test(
      `of ${form.name}: every version arrives once and in order (invariants 2, 4 and 7)`,
      { timeout: 240_000 },
      async () => {
        const seeds = server.version >= 18 ? 16 : 3;
        for (let seed = testSeed; seed < testSeed + seeds; seed++) {
          const random = seededRandom(seed);
          await using database = await TestDatabase.create(server.url);
          const rows = new VersionedRows(database, form, random);
          await rows.create();
          rows.start();
          const arrived = await readWithKills(database, random, rows).catch((error: unknown) => {
            throw new Error(`seed ${seed}`, { cause: error });
          });
          await rows.expectArrived(arrived, form.primaryKey.split(', ').length);
          expect(rows.commits, `seed ${seed}`).toBeGreaterThan(0);
        }
      },
    );
  }
});
