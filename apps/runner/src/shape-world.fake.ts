import { join } from 'node:path';
import type { PipelineStatus } from '@weir/engine';
import { silentLogger, systemClock, type Logger, type Sink } from '@weir/sdk';
import { memoryStore } from '@weir/store';
import { Client } from 'pg';
import type { Config } from './config/config.ts';
import { loadConfig } from './config/load.ts';
import { TestFolder } from './folder.fake.ts';
import { createSink, createSource } from './parts.ts';
import { startRuntime, type Runtime } from './runtime.ts';
import { verifyPipeline, type SinkVerdict } from './verify.ts';

/** Options of the sink `warehouse`, as YAML in one line. */
export type SinkYaml = string;

/** A database of its own, a pipeline from it to DuckDB, and everything that a test does with both. */
export class ShapeWorld implements AsyncDisposable {
  readonly #folder = new TestFolder();
  readonly #server: string;
  readonly #name: string;
  readonly #url: string;
  status!: PipelineStatus;

  private constructor(server: string, name: string) {
    this.#server = server;
    this.#name = name;
    const url = new URL(server);
    url.pathname = `/${name}`;
    this.#url = url.href;
  }

  /** @param name of the database; the pipeline is called so too */
  static async make(server: string, name: string, setUp: string): Promise<ShapeWorld> {
    const world = new ShapeWorld(server, name);
    await query(server, `CREATE DATABASE ${name}`);
    await world.sql(setUp);
    return world;
  }

  get duckdb(): string {
    return join(this.#folder.path, 'shop.duckdb');
  }

  async sql(text: string): Promise<void> {
    await query(this.#url, text);
  }

  /**
   * @param sinks YAML of further sinks, indented by six
   * @param source further options of the source, as YAML in one line
   */
  config(sink: SinkYaml = '', sinks = '', source = ''): Config {
    const file = this.#folder.file(
      'weir.yaml',
      `version: 1
http: false
pipelines:
  ${this.#name}:
    source: { postgres: { url: "${this.#url}", tables: [public.*]${source === '' ? '' : `, ${source}`} } }
    sinks:
      warehouse: { duckdb: { path: ./shop.duckdb }${sink === '' ? '' : `, ${sink}`} }
${sinks}`,
    );
    return loadConfig(file, {});
  }

  /** Delivers everything that is committed by now. What runs meanwhile is the caller's. */
  async catchUp(config: Config, log: Logger = silentLogger): Promise<PipelineStatus> {
    await using runtime = await startRuntime(config, { log, store: memoryStore() });
    try {
      await Promise.all([runtime.run(), runtime.finishAtHead()]);
    } finally {
      this.#remember(runtime);
    }
    return this.status;
  }

  /** Streams while `work` changes the database, then delivers the rest. */
  async streaming(config: Config, work: (runtime: Runtime) => Promise<void>): Promise<PipelineStatus> {
    await using runtime = await startRuntime(config, { log: silentLogger, store: memoryStore() });
    const running = runtime.run();
    try {
      await Promise.race([running, this.#phase(runtime, 'stream')]);
      await work(runtime);
      await Promise.all([running, runtime.finishAtHead()]);
    } finally {
      this.#remember(runtime);
    }
    return this.status;
  }

  /** Rows of the warehouse, as text. */
  async rows(config: Config, text: string): Promise<(readonly (string | null)[])[]> {
    const { rows } = await this.#sink(config, 'warehouse').query!(text, 1000, new AbortController().signal);
    return [...rows];
  }

  async verify(config: Config, status: PipelineStatus | null = null): Promise<SinkVerdict[]> {
    const pipeline = this.#pipeline(config);
    const source = createSource(pipeline.source, { ...this.#context, name: 'source' });
    const sinks = pipeline.sinks.map(({ name, options }) => {
      const stopped = status?.sinks[name]?.stoppedTables ?? [];
      return { name, sink: this.#sink(config, name), mode: options.mode, stopped };
    });
    return await verifyPipeline(source, sinks, new AbortController().signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#folder[Symbol.dispose]();
    await query(this.#server, `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '${this.#name}'`);
    await query(this.#server, `DROP DATABASE ${this.#name} WITH (FORCE)`);
  }

  async #phase(runtime: Runtime, phase: string): Promise<void> {
    while (runtime.status().pipelines[0]!.source.phase !== phase) await systemClock.sleep(20);
  }

  #sink(config: Config, name: string): Sink {
    const block = this.#pipeline(config).sinks.find((sink) => sink.name === name)!;
    return createSink(block, { ...this.#context, name });
  }

  #pipeline(config: Config) {
    return config.pipelines.get(this.#name)!;
  }

  get #context() {
    return { pipeline: this.#name, log: silentLogger, clock: systemClock };
  }

  #remember(runtime: Runtime): void {
    this.status = runtime.status().pipelines[0]!;
  }
}

async function query(url: string, text: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}
