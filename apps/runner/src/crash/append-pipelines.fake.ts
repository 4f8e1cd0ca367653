import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CrashPoint } from '@weir/sdk';
import pg from 'pg';
import { expect } from 'vitest';
import { ApiClient } from '../api/client.ts';
import { SeededRandom } from '../demo/seeded-random.ts';
import { CountedRows, countedTables, keyText, rowText, type CountedTable } from './counted-rows.ts';
import { askDuckdb, byKey, expectContinuous, historySql } from './history-check.fake.ts';
import type { KeyEvent } from './row-history.ts';
import { RunnerProcess, weir } from './runner-process.ts';

/** Where a process is killed, and at most how many passes of it ten pipelines are let make. */
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

/** From a schema of the source to a sink that keeps a history: in a DuckDB file, or without one in PostgreSQL. */
interface Pipeline {
  readonly name: string;
  readonly rows: CountedRows;
  readonly duckdb: string | null;
  readonly chunkRows: number;
}

/** Pipelines of one process, each with a seed: they are killed together, each at another place. */
export class AppendPipelines {
  readonly #pipelines: readonly Pipeline[];
  readonly #source: string;
  readonly #sink: string;
  readonly #file: string;
  readonly #state: string;
  readonly #random: SeededRandom;

  private constructor(pipelines: readonly Pipeline[], folder: string, urls: { readonly source: string; readonly sink: string }, seed: number) {
    this.#pipelines = pipelines;
    this.#source = urls.source;
    this.#sink = urls.sink;
    this.#file = join(folder, `${seed}.yaml`);
    this.#state = join(folder, `${seed}.state`);
    this.#random = new SeededRandom(seed);
  }

  /** @param folder for the configuration, the state and the DuckDB files */
  static async create(serverUrl: string, folder: string, seed: number, count: number): Promise<AppendPipelines> {
    const urlOf = (database: string): string => serverUrl.replace(/\/[^/]*$/, `/${database}`);
    const urls = { source: urlOf(`source_${seed}`), sink: urlOf(`sink_${seed}`) };
    await ask(serverUrl, `CREATE DATABASE source_${seed}`);
    await ask(serverUrl, `CREATE DATABASE sink_${seed}`);
    const pipelines = await Promise.all(
      Array.from({ length: count }, async (_none, i) => {
        const name = `seed_${seed + i}`;
        const random = new SeededRandom(seed + i);
        const rows = new CountedRows(urls.source, name, () => random.next());
        await rows.create();
        return { name, rows, duckdb: i % 3 === 2 ? null : join(folder, `history-${name}.duckdb`), chunkRows: random.int(1, 4) };
      }),
    );
    const group = new AppendPipelines(pipelines, folder, urls, seed);
    await group.#configure();
    return group;
  }

  async #configure(): Promise<void> {
    const pipelines = this.#pipelines.map(({ name, duckdb, chunkRows }): [string, object] => {
      const tables = [`${name}.*`, `!${name}.log`];
      const source = { postgres: { url: this.#source, tables, snapshot: { chunk_rows: chunkRows } } };
      const sink = duckdb === null ? { postgres: { url: this.#sink } } : { duckdb: { path: duckdb, threads: 1 } };
      return [name, { source, sinks: { history: { ...sink, mode: 'append' } }, buffer_bytes: '32MiB' }];
    });
    // JSON is YAML.
    const config = { version: 1, state: this.#state, http: false, pipelines: Object.fromEntries(pipelines) };
    await writeFile(this.#file, JSON.stringify(config));
  }

  /** Has writers change the rows. */
  write(): void {
    for (const { rows } of this.#pipelines) rows.start();
  }

  async rest(): Promise<void> {
    await Promise.all(this.#pipelines.map(async ({ rows }) => await rows.stop()));
  }

  /**
   * Runs the process until a crash point, or until some moment when it is not passed so often.
   * @param streaming how many pipelines are to be done with their copies before that moment
   * @returns whether it was killed at the crash point
   */
  async killAnywhere(streaming: number): Promise<boolean> {
    const [point, passes] = this.#random.pick(points);
    return await this.#runAndKill(`${point}:${this.#random.int(1, passes)}`, streaming, async () => {});
  }

  /** Runs the process until all pipelines stream, has tables copied anew, and kills it at some moment of that. */
  async killWhileCopyingAgain(): Promise<void> {
    await this.#runAndKill(null, this.#pipelines.length, async (client) => await this.#copyAgain(client));
  }

  async #runAndKill(crashAt: string | null, streaming: number, work: (client: ApiClient) => Promise<void>): Promise<boolean> {
    const runner = new RunnerProcess(['run', this.#file], crashAt);
    const dead = new AbortController();
    const ended = runner.ended.finally(() => dead.abort());
    const rest = this.#random.int(0, 1000);
    let isAtPoint = false;
    try {
      const client = await this.#streams(streaming, dead.signal);
      await Promise.all([work(client), sleep(rest, undefined, { signal: dead.signal })]);
    } catch (error) {
      // It dies at its crash point, now or in a moment.
      isAtPoint = crashAt !== null && (dead.signal.aborted || isGone(error));
      if (!isAtPoint) throw error;
    } finally {
      runner.kill();
    }
    const { signal, stderr } = await ended;
    expect(signal, stderr.slice(-3000)).toBe('SIGKILL');
    return isAtPoint;
  }

  /** Resolves when so many pipelines only stream. @param signal the process is dead */
  async #streams(wanted: number, signal: AbortSignal): Promise<ApiClient> {
    while (true) {
      const running = await ApiClient.find(this.#state, signal);
      const streaming = running?.status.pipelines.filter(({ source }) => source.phase === 'stream').length ?? 0;
      if (running !== null && streaming >= wanted) return running.client;
      await sleep(50, undefined, { signal });
    }
  }

  /** Has a table of each pipeline copied anew, each at some moment of a second. */
  async #copyAgain(client: ApiClient): Promise<void> {
    const wanted = this.#pipelines.map(({ name }) => {
      return { name, table: this.#random.pick(countedTables).name, after: this.#random.int(0, 1000) };
    });
    await Promise.all(
      wanted.map(async ({ name, table, after }) => {
        await sleep(after);
        await client.copy({ pipeline: name, tables: [`${name}.${table}`], how: 'anew', wait: false });
      }),
    );
  }

  async catchUp(): Promise<void> {
    const { code, stderr } = await weir('run', this.#file, '--until-caught-up');
    expect(code, stderr.slice(-3000)).toBe(0);
  }

  /**
   * The history of each table fits what happened, and leads to what the source has.
   * @returns how many copies began anew
   */
  async expectContinuous(): Promise<number> {
    const copies = await Promise.all(
      this.#pipelines.map(async (pipeline) => {
        expect(pipeline.rows.commits, pipeline.name).toBeGreaterThan(0);
        const log = await ask(this.#source, `SELECT name, key, event, is_moved_whole FROM ${pipeline.name}.log ORDER BY seq`);
        let count = 0;
        for (const table of countedTables) {
          const happened = byKey(log.filter((row) => row['name'] === table.name));
          count += await this.#expectContinuous(pipeline, table, happened);
        }
        return count;
      }),
    );
    return copies.reduce((sum, count) => sum + count, 0);
  }

  async #expectContinuous({ name, duckdb }: Pipeline, table: CountedTable, happened: Map<string, KeyEvent[]>): Promise<number> {
    const sql = historySql(name, table);
    const history = duckdb === null ? await ask(this.#sink, sql) : await askDuckdb(duckdb, sql);
    const current = await ask(this.#source, `SELECT ${keyText(table, 't')} AS key, ${rowText('t')} AS row FROM ${name}.${table.name} t`);
    return expectContinuous(`${name}.${table.name}`, { table, happened, history, current });
  }
}

/** The process died while it was asked. */
function isGone(error: unknown): boolean {
  return ['ECONNRESET', 'ECONNREFUSED', 'ENOENT', 'WEIR_NOT_RUNNING'].includes(String((error as { code?: unknown }).code));
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
