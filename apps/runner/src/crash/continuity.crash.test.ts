import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import type { CrashPoint } from '@weir/sdk';
import { temporaryPostgres, type TemporaryPostgres } from '@weir/services';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../api/client.ts';
import { SeededRandom } from '../demo/seeded-random.ts';
import { CountedRows, countedTables, keyText, rowText, type CountedTable } from './counted-rows.ts';
import { RowHistory, type HistoryEvent, type KeyEvent } from './row-history.ts';
import { RunnerProcess, weir } from './runner-process.ts';

/** Pipelines of one process, each with a seed: they are killed together, each at another place. */
const TOGETHER = 10;
const GROUPS = 5;

/** Where a process is killed, and how many passes ten pipelines make there in a few seconds. */
const points: readonly (readonly [point: CrashPoint, passes: number])[] = [
  ['source.round-begun', 30],
  ['source.chunk-read', 200],
  ['source.confirm-sent', 40],
  ['engine.before-write', 300],
  ['engine.before-commit', 150],
  ['engine.before-confirm', 150],
  ['sink.fence-taken', 10],
  ['sink.before-commit', 150],
  ['sink.commit-unanswered', 150],
];

const firstSeed = Number(process.env['WEIR_SEED'] ?? Date.now() % 1_000_000);

/** Ten pipelines in one file, each from a schema of the source to a sink of its own that keeps a history. */
interface Group {
  readonly file: string;
  readonly state: string;
  readonly pipelines: readonly { readonly name: string; readonly rows: CountedRows; readonly duckdb: string | null }[];
  readonly source: string;
  readonly sink: string;
}

/** What is asked of the process before it is killed. */
type Work = (client: ApiClient) => Promise<void>;

describe(`every version of every row arrives once, in order, in mode: append (seeds from ${firstSeed})`, () => {
  let server: TemporaryPostgres;
  let folder: string;
  /** Kills at a crash point, and copies that began anew: a test that has none of them shows nothing. */
  const seen = { atPoint: 0, copies: 0 };

  beforeAll(async () => {
    const settings = { max_connections: '300', max_replication_slots: '60', max_wal_senders: '60', wal_writer_delay: '10ms' };
    server = await temporaryPostgres(settings);
    folder = await mkdtemp(join(tmpdir(), 'weir-continuity-'));
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const urlOf = (database: string): string => server.url.replace(/\/[^/]*$/, `/${database}`);

  async function createGroup(seed: number): Promise<Group> {
    await ask(server.url, `CREATE DATABASE source_${seed}`);
    await ask(server.url, `CREATE DATABASE sink_${seed}`);
    const [source, sink] = [urlOf(`source_${seed}`), urlOf(`sink_${seed}`)];
    const pipelines = await Promise.all(
      Array.from({ length: TOGETHER }, async (_none, i) => {
        const name = `seed_${seed + i}`;
        const own = new SeededRandom(seed + i);
        const rows = new CountedRows(source, name, () => own.next());
        await rows.create();
        return { name, rows, duckdb: i % 3 === 2 ? null : join(folder, `history-${name}.duckdb`), chunkRows: own.int(1, 4) };
      }),
    );
    const file = join(folder, `${seed}.yaml`);
    const state = join(folder, `${seed}.state`);
    const configured = pipelines.map(({ name, duckdb, chunkRows }): [string, object] => {
      const snapshot = { chunk_rows: chunkRows };
      const from = { postgres: { url: source, tables: [`${name}.*`, `!${name}.log`], snapshot } };
      const to = duckdb === null ? { postgres: { url: sink } } : { duckdb: { path: duckdb, threads: 1 } };
      return [name, { source: from, sinks: { history: { ...to, mode: 'append' } }, buffer_bytes: '32MiB' }];
    });
    // JSON is YAML.
    await writeFile(file, JSON.stringify({ version: 1, state, http: false, pipelines: Object.fromEntries(configured) }));
    return { file, state, pipelines, source, sink };
  }

  /**
   * Runs the pipelines until a crash point, or until some moment when it is not passed so often.
   * @param streaming how many pipelines have to be done with their copies before that moment
   */
  async function runAndKill({ file, state }: Group, random: SeededRandom, streaming: number, work: Work | null): Promise<void> {
    const [point, passes] = random.pick(points);
    const runner = new RunnerProcess(['run', file], work === null ? `${point}:${random.int(1, passes)}` : null);
    const dead = new AbortController();
    const ended = runner.ended.finally(() => dead.abort());
    const rest = random.int(0, 1000);
    try {
      const client = await copied(state, streaming, dead.signal);
      await Promise.all([work?.(client), sleep(rest, undefined, { signal: dead.signal })]);
    } catch (error) {
      // It dies at its crash point, now or in a moment.
      if (work !== null || (!dead.signal.aborted && !isGone(error))) throw error;
      seen.atPoint++;
    }
    runner.kill();
    const { signal, stderr } = await ended;
    expect(signal, stderr.slice(-3000)).toBe('SIGKILL');
  }

  /** Resolves when so many pipelines only stream. @param signal the process is dead */
  async function copied(state: string, streaming: number, signal: AbortSignal): Promise<ApiClient> {
    while (true) {
      const running = await ApiClient.find(state, signal);
      const done = running?.status.pipelines.filter(({ source }) => source.phase === 'stream').length ?? -1;
      if (running !== null && done >= streaming) return running.client;
      await sleep(50, undefined, { signal });
    }
  }

  /** Has a table of most pipelines copied anew, each at some moment of a second. */
  async function copyAgain(client: ApiClient, { pipelines }: Group, random: SeededRandom): Promise<void> {
    const wanted = pipelines.map(({ name }) => ({ name, table: random.pick(countedTables).name, after: random.int(0, 1000) }));
    await Promise.all(
      wanted.map(async ({ name, table, after }) => {
        await sleep(after);
        await client.copy({ pipeline: name, tables: [`${name}.${table}`], how: 'anew', wait: false });
      }),
    );
  }

  async function caughtUp({ file }: Group): Promise<void> {
    const { code, stderr } = await weir('run', file, '--until-caught-up');
    expect(code, stderr.slice(-3000)).toBe(0);
  }

  async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client(url);
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  async function historyOf({ sink }: Group, { name, duckdb }: Group['pipelines'][number], table: CountedTable): Promise<HistoryEvent[]> {
    const key = `concat_ws('|', ${table.key.map((column) => `CAST(${column} AS varchar)`).join(', ')})`;
    const sql = `
      SELECT _weir_op AS op, _weir_position AS position, CAST(_weir_ordinal AS varchar) AS ordinal, ${key} AS key,
             concat(life, '.', version) AS version, coalesce(md5(body), 'null') AS body,
             CAST(_weir_before AS varchar) AS before, CAST(_weir_unchanged AS varchar) AS unchanged
        FROM ${name}.${table.name}`;
    const rows = duckdb === null ? await ask(sink, sql) : await askDuckdb(duckdb, sql);
    return rows.map((row) => {
      const before = typeof row['before'] === 'string' ? (JSON.parse(row['before']) as Record<string, string>) : null;
      return {
        op: String(row['op']),
        position: String(row['position']),
        ordinal: Number(row['ordinal']),
        key: String(row['key']),
        oldKey: before && table.key.map((column) => before[column]).join('|'),
        version: String(row['version']),
        body: row['unchanged'] === null ? String(row['body']) : null,
      };
    });
  }

  /** The history of each table of a pipeline fits what happened, and leads to what the source has. */
  async function expectContinuous(group: Group, pipeline: Group['pipelines'][number]): Promise<void> {
    const { name } = pipeline;
    const log = await ask(group.source, `SELECT name, key, event, is_moved_whole FROM ${name}.log ORDER BY seq`);
    for (const table of countedTables) {
      const happened = new Map<string, KeyEvent[]>();
      for (const { name: of, key, event, is_moved_whole: isMovedWhole } of log) {
        if (of !== table.name) continue;
        happened.set(String(key), [...(happened.get(String(key)) ?? []), { event: String(event), isMovedWhole: isMovedWhole === true }]);
      }
      const history = await historyOf(group, pipeline, table);
      const what = `${name}.${table.name}, of ${history.length} events`;
      seen.copies += history.filter(({ op }) => op === 'truncate').length;
      let rows: Map<string, string>;
      try {
        rows = new RowHistory(happened).follow(history);
      } catch (error) {
        throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
      }
      const current = await ask(group.source, `SELECT ${keyText(table, 't')} AS key, ${rowText('t')} AS row FROM ${name}.${table.name} t`);
      expect(Object.fromEntries(rows), what).toEqual(Object.fromEntries(current.map(({ key, row }) => [key, row])));
    }
    expect(pipeline.rows.commits, name).toBeGreaterThan(0);
  }

  it.for(Array.from({ length: GROUPS }, (_, i) => [firstSeed + i * TOGETHER, firstSeed + (i + 1) * TOGETHER - 1] as const))(
    'seeds %i to %i (invariants 1 to 5 and 7)',
    { timeout: 240_000 },
    async ([seed]) => {
      const random = new SeededRandom(seed);
      const group = await createGroup(seed);
      for (const { rows } of group.pipelines) rows.start();
      try {
        await runAndKill(group, random, random.int(0, 3), null);
        await runAndKill(group, random, random.int(3, 9), null);
        await runAndKill(group, random, TOGETHER, async (client) => await copyAgain(client, group, random));
        await runAndKill(group, random, random.int(3, 9), null);
      } finally {
        await Promise.all(group.pipelines.map(async ({ rows }) => await rows.stop()));
      }
      await caughtUp(group);
      await Promise.all(group.pipelines.map(async (pipeline) => await expectContinuous(group, pipeline)));
      await ask(server.url, `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = 'source_${seed}'`);
    },
  );

  it('was killed at crash points, and copied what was asked for', () => {
    expect(seen.atPoint).toBeGreaterThan(0);
    expect(seen.copies).toBeGreaterThan(0);
  });
});

/** The process died while it was asked. */
function isGone(error: unknown): boolean {
  return ['ECONNRESET', 'ECONNREFUSED', 'ENOENT', 'WEIR_NOT_RUNNING'].includes(String((error as { code?: unknown }).code));
}

async function askDuckdb(path: string, sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  const rows = await connection.runAndReadAll(sql);
  connection.closeSync();
  instance.closeSync();
  return rows.getRowObjects();
}
