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
  /** By the sink's name. A sink without has `schemaPolicies('apply')`, and any error stops the pipeline. */
  readonly sinkOptions?: ReadonlyMap<string, SinkPolicies>;
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
export interface PipelineSettings extends Partial<Omit<PipelineOptions, 'name' | 'source' | 'sinks'>> {
  /** Names the pipeline in its sinks' checkpoints and in the log. */
  readonly name: string;
  readonly source: Source;
  readonly sinks: ReadonlyMap<string, Sink> | Readonly<Record<string, Sink>>;
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
    sinks: settings.sinks instanceof Map ? settings.sinks : new Map(Object.entries(settings.sinks)),
  };
}

const defaultPolicies: SinkPolicies = { schemaChanges: schemaPolicies('apply'), onError: 'stop' };

export function policiesOf({ sinkOptions }: PipelineOptions, sink: string): SinkPolicies {
  return sinkOptions?.get(sink) ?? defaultPolicies;
}
