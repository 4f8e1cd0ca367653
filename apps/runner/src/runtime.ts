import { Pipeline } from '@weir/engine';
import {
  systemClock,
  toWeirError,
  type WeirError,
  type Clock,
  type ConnectorContext,
  type Logger,
  type Sink,
  type Source,
} from '@weir/sdk';
import { openSqliteStore, type Store } from '@weir/store';
import type { Copies } from './api/host.ts';
import { serveApi, type ApiServer } from './api/serve.ts';
import { choosePipelines } from './config/choose-pipelines.ts';
import type { Config, PipelineConfig } from './config/config.ts';
import { locateFailure } from './located.ts';
import { createSink, createSource, pipelineFolder } from './parts.ts';
import { rememberStatus, type RuntimeStatus } from './runtime-status.ts';

const REMEMBER_EVERY_MS = 5000;
const HEAD_RETRY_MS = 500;

export interface RuntimeOptions {
  readonly log: Logger;
  readonly clock?: Clock;
  /** Instead of the SQLite file in the configured state directory; the runtime disposes it. */
  readonly store?: Store;
  /** Run this pipeline only. */
  readonly only?: string | undefined;
  /** For the configurations that the process is asked about while it runs. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** The pipelines of one configuration, wired and ready to run; also their API while it lives. */
export interface Runtime extends AsyncDisposable {
  readonly pipelines: ReadonlyMap<string, Pipeline>;
  /** Where HTTP is served, `http://127.0.0.1:9464`; null without. */
  readonly httpUrl: string | null;
  /** Resolves when every pipeline has ended; the first error stops the others. @throws WeirError that first one */
  run(): Promise<void>;
  /** Drains every pipeline; `run` then resolves. */
  stop(): void;
  /**
   * Takes each source's position now and lets `run` resolve when everything up to it is delivered. Call it beside `run`:
   * a source that cannot be reached is asked again for as long as the pipelines run.
   * @throws WeirError when a source refuses
   */
  finishAtHead(): Promise<void>;
  status(): RuntimeStatus;
}

/** One pipeline with its parts. */
interface Wired {
  readonly pipeline: Pipeline;
  readonly source: Source;
  readonly sinks: ReadonlyMap<string, Sink>;
}

/**
 * Opens the store, makes the connectors and the pipelines, and serves the API. Nothing moves before `run`.
 * @throws WeirError WEIR_STORE_*, WEIR_HTTP_LISTEN, or a connector's own
 */
export async function startRuntime(config: Config, options: RuntimeOptions): Promise<Runtime> {
  const chosen = choosePipelines(config, options.only);
  const store = options.store ?? openSqliteStore(config.stateDirectory);
  try {
    const runtime = new PipelineRuntime(chosen, store, { ...options, place: config.place, stateDirectory: config.stateDirectory });
    runtime.api = await serveApi(config, runtime);
    return runtime;
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
}

class PipelineRuntime implements Runtime {
  readonly pipelines: ReadonlyMap<string, Pipeline>;
  readonly env: NonNullable<RuntimeOptions['env']>;
  api: ApiServer | null = null;
  readonly #wired: ReadonlyMap<string, Wired>;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #place: Config['place'];
  readonly #startedAt: number;
  /** The pipelines that `stop` must leave alone: a stop would hide how they ended. */
  readonly #endedPipelines = new Set<Pipeline>();
  /** Aborts when the pipelines have ended. */
  readonly #ended = new AbortController();

  constructor(
    configs: readonly PipelineConfig[],
    store: Store,
    { log, clock = systemClock, place, stateDirectory, env = {} }: RuntimeOptions & Pick<Config, 'place' | 'stateDirectory'>,
  ) {
    this.#place = place;
    this.env = env;
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#startedAt = clock.now();
    this.#wired = new Map(configs.map((config) => [config.name, wire(config, stateDirectory, { store, log, clock })]));
    this.pipelines = new Map([...this.#wired].map(([name, { pipeline }]) => [name, pipeline]));
  }

  get httpUrl(): string | null {
    return this.api?.httpUrl ?? null;
  }

  async run(): Promise<void> {
    const remembering = this.#keepRemembering();
    const failures: WeirError[] = [];
    const runs = [...this.pipelines].map(async ([name, pipeline]) => {
      try {
        await pipeline.run();
      } catch (error) {
        const failure = locateFailure(toWeirError(error), this.#place);
        // The first is thrown; of the others the log is the only word.
        if (failures.push(failure) > 1)
          this.#log.error({ pipeline: name, code: failure.code, fix: failure.fix }, failure.message);
      }
      this.#endedPipelines.add(pipeline);
      if (failures.length > 0) this.stop();
    });
    await Promise.all(runs);
    this.#ended.abort();
    await remembering;
    await this.#remember();
    if (failures[0] !== undefined) throw failures[0];
  }

  stop(): void {
    for (const pipeline of this.pipelines.values()) if (!this.#endedPipelines.has(pipeline)) pipeline.stop();
  }

  async finishAtHead(): Promise<void> {
    const finishing = [...this.#wired.values()].map(async ({ pipeline, source }) => {
      const head = await this.#head(source);
      if (head !== null) pipeline.finishAt(head);
    });
    await Promise.all(finishing);
  }

  status(): RuntimeStatus {
    const pipelines = [...this.pipelines.values()].map((pipeline) => pipeline.status());
    return { at: this.#clock.now(), pid: process.pid, startedAt: this.#startedAt, pipelines };
  }

  sinks(pipeline: string): ReadonlyMap<string, Sink> | undefined {
    return this.#wired.get(pipeline)?.sinks;
  }

  copies(name: string): Copies | undefined {
    const wired = this.#wired.get(name);
    if (wired === undefined) return undefined;
    return { source: wired.source, begin: async (tables, how) => await wired.pipeline.copyAgain(tables, how) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.api?.[Symbol.asyncDispose]();
    await this.#store[Symbol.asyncDispose]();
  }

  /** Null when the pipelines end first. */
  async #head(source: Source): Promise<string | null> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      try {
        return await source.head(signal);
      } catch (error) {
        if (signal.aborted) break;
        const failure = toWeirError(error);
        if (failure.policy.policy !== 'retry') throw failure;
        await this.#clock.sleep(HEAD_RETRY_MS, signal).catch(() => undefined);
      }
    }
    return null;
  }

  async #keepRemembering(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      await this.#remember();
      await this.#clock.sleep(REMEMBER_EVERY_MS, signal).catch(() => undefined);
    }
  }

  /** A hint that cannot be written stops nothing. */
  async #remember(): Promise<void> {
    try {
      await rememberStatus(this.#store, this.status());
    } catch (error) {
      const { code, message } = toWeirError(error);
      this.#log.warn({ code }, `the status was not remembered: ${message}`);
    }
  }
}

function wire(config: PipelineConfig, stateDirectory: string, shared: { store: Store; log: Logger; clock: Clock }): Wired {
  const context = (name: string): ConnectorContext => ({
    pipeline: config.name,
    name,
    log: shared.log,
    clock: shared.clock,
    folder: pipelineFolder(stateDirectory, config.name),
  });
  const source = createSource(config.source, context('source'));
  const sinks = new Map(config.sinks.map((sink) => [sink.name, createSink(sink, context(sink.name))]));
  const sinkBytes = config.sinks.reduce((sum, { options }) => sum + options.memoryBytes, 0);
  const pipeline = new Pipeline({
    name: config.name,
    source,
    sinks,
    sinkOptions: new Map(config.sinks.map(({ name, options }) => [name, options])),
    ...shared,
    bufferBytes: config.bufferBytes - sinkBytes,
    shutdownTimeoutMs: config.shutdownTimeoutMs,
  });
  return { pipeline, source, sinks };
}
