import type { Checkpoint, Source } from '@weir/sdk';
import {
  MemoryTarget,
  Reading,
  changesOf,
  contractOptions,
  contractShard,
  seeBatch,
  type SeenBatch,
  type SeenCell,
} from '@weir/testkit';
import { expect } from 'vitest';
import { TestDatabase } from './test-database.ts';
import type { TestServer } from './test-server.ts';

const { signal } = new AbortController();

/** Statements against tables that a pipeline follows. */
export interface SchemaStory {
  /** Makes tables and rows; `public.beat` is there besides. */
  readonly before: string;
  /** Each in a transaction of its own, unless it says BEGIN. */
  readonly statements: readonly string[];
  readonly config?: object;
}

/** What became of a story, each time to the same end. */
export interface ToldStory {
  /** Changes of shape when each statement arrived before the next was made; those of `public.beat` and first copies left out. */
  readonly live: string[];
  /** The same when all had happened before the runner saw the first. */
  readonly late: string[];
  /** How many checkpoints were resumed from, behind that of the first copy. */
  readonly resumed: number;
}

/**
 * Plays a story while it is followed, then follows it again from the start, when the catalog is ahead of the stream, then
 * resumes from each checkpoint of that. Every time a strict mirror must end equal to the source.
 */
export async function tellStory(server: TestServer, { before, statements, config = {} }: SchemaStory): Promise<ToldStory> {
  await using database = await TestDatabase.create(server.url);
  await database.sql(`CREATE TABLE beat (id serial PRIMARY KEY); ${before}`);
  const source = (): Source => database.source(config);
  const copied = await copyOf(source());
  const live = await followLive(source(), database, copied, statements);
  const late = await followFrom(source(), copied);
  const batches = [...copied, ...late];
  const ends = batches.flatMap(({ checkpoint }, i) => (i < copied.length || checkpoint === null ? [] : [i + 1]));
  for (const end of ends) await followFrom(source(), batches.slice(0, end));
  return { live: shapeChanges(live), late: shapeChanges(late), resumed: ends.length };
}

async function copyOf(source: Source): Promise<SeenBatch[]> {
  await using reading = await Reading.open(source, null);
  await reading.untilCopied();
  return reading.seen;
}

/** A row of `public.beat` behind each statement has to arrive before the next. */
async function followLive(
  source: Source,
  database: TestDatabase,
  copied: readonly SeenBatch[],
  statements: readonly string[],
): Promise<SeenBatch[]> {
  await using reading = await Reading.open(source, lastCheckpoint(copied));
  const beat = async (): Promise<void> => {
    await database.sql('INSERT INTO beat DEFAULT VALUES');
    const isBeat = ({ rows }: SeenBatch): boolean => rows.some(({ table }) => table === 'public.beat');
    await reading.until(isBeat);
  };
  await beat();
  for (const statement of statements) {
    await database.sql(statement);
    await beat();
  }
  await reading.untilHead();
  await expectEqual(source, [...copied, ...reading.seen]);
  return reading.seen;
}

async function followFrom(source: Source, before: readonly SeenBatch[]): Promise<SeenBatch[]> {
  await using reading = await Reading.open(source, lastCheckpoint(before));
  await reading.untilHead();
  await expectEqual(source, [...before, ...reading.seen]);
  return reading.seen;
}

function lastCheckpoint(batches: readonly SeenBatch[]): Checkpoint {
  return batches.findLast(({ checkpoint }) => checkpoint !== null)!.checkpoint!;
}

function shapeChanges(batches: readonly SeenBatch[]): string[] {
  return changesOf(batches).filter((change) => !change.startsWith('public.beat '));
}

/** A mirror of these batches has the tables of the source, and the rows of each. */
export async function expectEqual(source: Source, batches: readonly SeenBatch[]): Promise<void> {
  const target = mirrorOf(batches);
  const tables = await source.discover(signal);
  const names = new Set(tables.map(({ namespace, name }) => `${namespace}.${name}`));
  expect(Object.keys(target.content).filter((name) => !names.has(name)), 'tables that are gone').toEqual([]);
  const rowsOf = (cells: Iterable<readonly SeenCell[]>): string[] => Array.from(cells, (row) => JSON.stringify(row)).toSorted();
  for (const table of tables) {
    const there: (readonly SeenCell[])[] = [];
    for await (const batch of source.scan(table, signal)) {
      there.push(...seeBatch(batch).rows.map(({ after }) => after!));
      batch.release();
    }
    expect(rowsOf(target.rows(table)), table.name).toEqual(rowsOf(there));
  }
}

function mirrorOf(batches: readonly SeenBatch[]): MemoryTarget {
  const target = new MemoryTarget();
  target.takeFence();
  let written: SeenBatch[] = [];
  for (const batch of batches) {
    written.push(batch);
    if (batch.checkpoint === null) continue;
    target.commit({ shard: contractShard, options: contractOptions }, written, batch.checkpoint);
    written = [];
  }
  return target;
}
