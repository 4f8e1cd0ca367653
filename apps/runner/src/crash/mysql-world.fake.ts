import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CrashPoint } from '@weir/sdk';
import type { MysqlDatabase, MysqlService } from '@weir/testkit/services';
import { expect } from 'vitest';
import { ApiClient } from '../api/client.ts';
import { BankMirror, expectEqual } from './bank-mirror.fake.ts';
import { BankLoad } from './bank.ts';
import { createMysqlBank, mysqlBank } from './mysql-bank.fake.ts';
import { RunnerProcess } from './runner-process.ts';

/** A bank at MySQL or MariaDB, in a database of its own, and the configuration of a pipeline from there to a DuckDB file. */
export class MysqlWorld implements AsyncDisposable {
  readonly file: string;
  readonly load: BankLoad;
  readonly mirror: BankMirror;
  readonly #database: MysqlDatabase;
  readonly #folder: string;

  private constructor(database: MysqlDatabase, folder: string, random: () => number) {
    this.#database = database;
    this.#folder = folder;
    this.file = join(folder, 'weir.yaml');
    this.load = new BankLoad(database.url, random, mysqlBank);
    this.mirror = new BankMirror(this.#duckdb, database.name);
  }

  /** @param chunkRows rows of a chunk; null: as many as the source chooses */
  static async open(server: MysqlService, random: () => number, chunkRows: number | null): Promise<MysqlWorld> {
    const database = await server.database();
    await createMysqlBank(database.url);
    const world = new MysqlWorld(database, await mkdtemp(join(tmpdir(), 'weir-crash-')), random);
    await world.#configure(chunkRows);
    return world;
  }

  /** Runs the process until a crash point. */
  async killAt(point: CrashPoint, pass: number, ...options: string[]): Promise<void> {
    const { signal, stderr } = await new RunnerProcess(['run', this.file, ...options], `${point}:${pass}`).ended;
    expect(signal, `${point} was not passed ${pass} times\n${stderr.slice(-2000)}`).toBe('SIGKILL');
    await this.mirror.expectWholeTransactions();
  }

  /** Runs the process while something happens, and kills it then. */
  async killBehind(work: (runner: RunnerProcess) => Promise<void>): Promise<void> {
    const runner = new RunnerProcess(['run', this.file]);
    try {
      await work(runner);
    } finally {
      runner.kill();
    }
    const { signal, stderr } = await runner.ended;
    expect(signal, stderr.slice(-2000)).toBe('SIGKILL');
    await this.mirror.expectWholeTransactions();
  }

  /** Resolves when the process streams, and nothing fails. */
  async streams(): Promise<void> {
    const isStreaming = async (): Promise<boolean> => {
      const running = await ApiClient.find(this.#state);
      return running?.status.pipelines.every(({ source, failure }) => source.phase === 'stream' && failure === null) ?? false;
    };
    await expect.poll(isStreaming, { interval: 100 }).toBe(true);
  }

  /** When the bank rests, the mirror becomes equal to it. */
  async expectEqual(): Promise<void> {
    await this.load.stop();
    // What a statement made of a table is told in front of the table's next row.
    const session = await mysqlBank.connect(this.#database.url);
    await session.run("INSERT INTO notes (account, line, body) VALUES (0, 0, 'the last row')");
    await session.end();
    await expectEqual(this.file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.load.stop();
    } finally {
      await this.#database[Symbol.asyncDispose]();
      await rm(this.#folder, { recursive: true, force: true });
    }
  }

  get #duckdb(): string {
    return join(this.#folder, 'bank.duckdb');
  }

  get #state(): string {
    return join(this.#folder, 'state');
  }

  async #configure(chunkRows: number | null): Promise<void> {
    const { name, url } = this.#database;
    const snapshot = chunkRows === null ? {} : { chunk_rows: chunkRows };
    const source = { mysql: { url, tables: [`${name}.*`], snapshot } };
    const pipelines = { bank: { source, sinks: { mirror: { duckdb: { path: this.#duckdb } } } } };
    // JSON is YAML.
    await writeFile(this.file, JSON.stringify({ version: 1, state: this.#state, http: false, pipelines }));
  }
}
