import {
  FaultScript,
  FaultySink,
  ManualClock,
  MemorySink,
  MemoryTarget,
  PrunedLog,
  PruningSource,
  type Fault,
  type FaultKind,
  type LoggedChange,
  type PruningSourceOptions,
} from '@weir/testkit';
import { memoryStore, type Store } from '@weir/store';
import type { Column, Json, Logger, RowValues, Sink, SinkSession, Source, Table, Transform } from '@weir/sdk';
import { Pipeline } from './pipeline.ts';
import type { SinkPolicies } from './schema-gate.ts';
import type { RetryPolicy } from './retry.ts';

const id: Column = { name: 'id', type: { kind: 'int', bits: 32 }, nullable: false, sourceType: 'integer' };
const label: Column = { name: 'label', type: { kind: 'string' }, nullable: true, sourceType: 'text' };

export const orders: Table = { namespace: 'public', name: 'orders', version: 1, columns: [id, label], key: [0] };
export const customers: Table = { ...orders, name: 'customers' };

export function insert(key: number, text = `order ${key}`, table: Table = orders): LoggedChange {
  return { op: 'insert', table, after: row(key, text) };
}

export function update(key: number, text: string, table: Table = orders): LoggedChange {
  return { op: 'update', table, after: row(key, text) };
}

export function row(key: number, text: string): RowValues {
  return { id: key, label: text };
}

/** @param ms for `slow` */
export function fault(on: string, call: Fault['call'], does: FaultKind, ms = 0): Fault {
  return { on, call, does, ms };
}

type SourceOptions = Omit<PruningSourceOptions, 'log' | 'clock' | 'script'>;

export interface ProcessOptions extends SourceOptions {
  readonly faults?: readonly Fault[];
  /** How long calls and answers of an operation take at most. */
  readonly jitterMs?: (operation: string) => number;
  readonly bufferBytes?: number;
  readonly shutdownTimeoutMs?: number;
  readonly retry?: RetryPolicy;
  readonly transforms?: readonly Transform[];
  /** The sinks that this process is configured with; all by default. */
  readonly sinks?: readonly string[];
  /** Of every sink. */
  readonly policies?: SinkPolicies;
  /** Sinks that keep a history; others are mirrors. */
  readonly histories?: readonly string[];
  /** Stands between a sink and the engine. */
  readonly wrap?: (sink: Sink, name: string) => Sink;
  /** Stands between the source and the engine. */
  readonly wrapSource?: (source: Source, script: FaultScript) => Source;
}

/** One run of a pipeline, up to its end or its death. */
export interface WorldProcess {
  readonly pipeline: Pipeline;
  readonly source: PruningSource;
  readonly script: FaultScript;
  /** Everything logged: level, message and fields. */
  readonly logged: Json[];
}

/** A database, the targets of some sinks and a store, which outlive the processes that move rows between them. */
export class World {
  readonly clock: ManualClock;
  readonly log: PrunedLog;
  readonly store: Store = memoryStore();
  readonly targets: ReadonlyMap<string, MemoryTarget>;
  readonly #modes: ReadonlyMap<string, SinkSession['mode']>;

  constructor(sinks: Readonly<Record<string, SinkSession['mode']>> = { warehouse: 'transactional' }, seed = 1) {
    this.clock = new ManualClock({ seed });
    this.log = new PrunedLog([orders, customers], this.clock);
    this.#modes = new Map(Object.entries(sinks));
    this.targets = new Map(Array.from(this.#modes.keys(), (name) => [name, new MemoryTarget()]));
  }

  target(name = 'warehouse'): MemoryTarget {
    return this.targets.get(name)!;
  }

  /** A pipeline that is not running yet. A process that died must be cut off from the log before. */
  process(options: ProcessOptions = {}): WorldProcess {
    const { clock, log } = this;
    const { faults = [], jitterMs = () => 0, transforms = [], retry, policies, histories = [], wrap = (sink) => sink } = options;
    const script = new FaultScript(clock, faults, { jitterMs });
    const sinks = new Map<string, Sink>();
    const sinkOptions = new Map<string, Partial<SinkPolicies>>();
    for (const [name, mode] of this.#modes) {
      const isConfigured = options.sinks?.includes(name) ?? true;
      if (!isConfigured) continue;
      const how = { ...policies, ...(histories.includes(name) && { mode: 'append' as const }) };
      sinkOptions.set(name, how);
      const sink = new FaultySink(new MemorySink(this.target(name), mode, how), name, script);
      sinks.set(name, wrap(sink, name));
    }
    const source = new PruningSource({ ...options, log, clock, script });
    const logged: Json[] = [];
    const pipeline = new Pipeline({
      name: 'shop',
      source: options.wrapSource?.(source, script) ?? source,
      sinks,
      sinkOptions,
      transforms,
      store: this.store,
      clock,
      log: collector(logged),
      bufferBytes: options.bufferBytes ?? 1 << 20,
      shutdownTimeoutMs: options.shutdownTimeoutMs ?? 10_000,
      ...(retry && { retry }),
    });
    return { pipeline, source, script, logged };
  }

  /** Runs a process until everything that is committed by now is delivered. */
  async deliverAll(options: ProcessOptions = {}): Promise<WorldProcess> {
    const process = this.process(options);
    process.pipeline.finishAt(await process.source.head());
    await this.clock.outcome(process.pipeline.run());
    return process;
  }
}

/** A log that keeps its lines: level, message and fields. */
export function collector(lines: Json[] | Record<string, unknown>[]): Logger {
  const add = (level: string) => (fields: object, message: string): void => {
    (lines as Record<string, unknown>[]).push({ level, message, ...fields });
  };
  return { debug: add('debug'), info: add('info'), warn: add('warn'), error: add('error') };
}
