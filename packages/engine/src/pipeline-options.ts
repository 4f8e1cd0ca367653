import {
  WeirError,
  schemaPolicies,
  silentLogger,
  systemClock,
  type Clock,
  type Logger,
  type Sink,
  type Source,
  type Transform,
} from '@weir/sdk';
import type { Store } from '@weir/store';
import type { RetryPolicy } from './retry.ts';
import type { SinkPolicies } from './schema-gate.ts';

/** What a pipeline is made of. */
export interface PipelineOptions {
  readonly name: string;
  readonly source: Source;
  readonly sinks: ReadonlyMap<string, Sink>;
  /** Whether a sink keeps a history, and what becomes of schema changes and of errors about one table, by the sink's name. */
  readonly sinkOptions: ReadonlyMap<string, SinkPolicies>;
  readonly transforms?: readonly Transform[];
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** Bound on the bytes of batches in memory (invariant 8). */
  readonly bufferBytes: number;
  /** How long `stop` may drain, in ms. */
  readonly shutdownTimeoutMs: number;
  readonly retry?: RetryPolicy;
}

/** {@link PipelineOptions} as a program gives them: what is left out has its default. */
export interface PipelineSettings extends Partial<Omit<PipelineOptions, 'name' | 'source' | 'sinks' | 'sinkOptions'>> {
  /** Names the pipeline in its sinks' checkpoints and in the log. */
  readonly name: string;
  readonly source: Source;
  readonly sinks: ReadonlyMap<string, Sink> | Readonly<Record<string, Sink>>;
  /** By the sink's name; what is left out is `mirror`, `schemaPolicies('apply')` and `stop`. */
  readonly sinkOptions?:
    | ReadonlyMap<string, Partial<SinkPolicies>>
    | Readonly<Record<string, Partial<SinkPolicies>>>
    | undefined;
}

const DEFAULT_BUFFER_BYTES = 128 * 2 ** 20;
const DEFAULT_SHUTDOWN_TIMEOUT_MS = 30_000;

/** Without a store only sinks that keep their own checkpoint can be written to, those of class A. */
const noStore: Store = {
  loadCheckpoint: () => Promise.reject(storeNeeded()),
  saveCheckpoint: () => Promise.reject(storeNeeded()),
  loadHint: () => Promise.resolve(null),
  saveHint: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

function storeNeeded(): WeirError {
  return new WeirError('WEIR_SDK_USE', 'a sink of class B, C or D needs a `store` for its checkpoint');
}

export function completeOptions(settings: PipelineSettings): PipelineOptions {
  return {
    store: noStore,
    clock: systemClock,
    log: silentLogger,
    bufferBytes: DEFAULT_BUFFER_BYTES,
    shutdownTimeoutMs: DEFAULT_SHUTDOWN_TIMEOUT_MS,
    ...settings,
    sinks: asMap(settings.sinks),
    sinkOptions: completePolicies(settings),
  };
}

const defaultPolicies: SinkPolicies = { mode: 'mirror', schemaChanges: schemaPolicies('apply'), onError: 'stop' };

function completePolicies({ sinks, sinkOptions = {} }: PipelineSettings): ReadonlyMap<string, SinkPolicies> {
  const given = asMap<Partial<SinkPolicies>>(sinkOptions);
  return new Map(Array.from(asMap<Sink>(sinks).keys(), (name) => [name, { ...defaultPolicies, ...given.get(name) }]));
}

function asMap<T>(named: ReadonlyMap<string, T> | Readonly<Record<string, T>>): ReadonlyMap<string, T> {
  return named instanceof Map ? named : new Map(Object.entries(named));
}
