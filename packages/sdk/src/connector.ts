import type { z } from 'zod';
import type { Clock } from './clock.ts';
import type { Sink } from './sink.ts';
import type { Source } from './source.ts';
import type { SchemaChangeKind } from './table.ts';

/** Structured logging; the fields come first, as in pino. Fields never hold row values or secrets (invariant 10). */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** What a connector gets besides its own configuration. */
export interface ConnectorContext {
  readonly pipeline: string;
  /** The name of the source or sink within its pipeline. */
  readonly name: string;
  readonly log: Logger;
  readonly clock: Clock;
  /**
   * The pipeline's folder, for what a checkpoint relies on and cannot hold itself. It lasts as long as the state of the pipeline, and
   * need not exist yet; absent where there is no state.
   */
  readonly folder?: string | undefined;
}

export type SchemaPolicy = 'apply' | 'ignore' | 'stop';
export type SchemaPolicies = Readonly<Record<SchemaChangeKind, SchemaPolicy>>;

/**
 * The same for all kinds, with two exceptions: a dropped table is left in the sink, since to drop data is asked for by name;
 * and a changed key is never ignored, since the sink would no longer know which row a change is about.
 */
export function schemaPolicies(policy: SchemaPolicy): SchemaPolicies {
  const key = policy === 'ignore' ? 'stop' : policy;
  const dropTable = policy === 'apply' ? 'ignore' : policy;
  return { create: policy, add: policy, drop: policy, rename: policy, widen: policy, key, 'drop-table': dropTable };
}

/** The options that every sink has, beside its connector's block in the YAML. */
export interface SinkOptions {
  readonly mode: 'mirror' | 'append';
  /** Templates with `{schema}` and `{table}`. */
  readonly target: { readonly schema: string; readonly table: string };
  readonly deletes: 'hard' | 'soft';
  /**
   * What becomes of a schema change, by kind. The engine withholds from the sink what is not to be applied; a sink whose
   * table lacks a column that `add` or `rename` would have brought leaves that column's values out.
   */
  readonly schemaChanges: SchemaPolicies;
  /** `stop_table`: an error that is about one table stops that table at this sink, and the others go on. */
  readonly onError: 'stop' | 'stop_table';
  /** Bytes that the sink may hold, within the pipeline's `buffer_bytes`. */
  readonly memoryBytes: number;
}

/** What the YAML says when it says nothing: a mirror under the source's own names. */
export const defaultSinkOptions: SinkOptions = {
  mode: 'mirror',
  target: { schema: '{schema}', table: '{table}' },
  deletes: 'hard',
  schemaChanges: schemaPolicies('apply'),
  onError: 'stop',
  memoryBytes: 128 * 2 ** 20,
};

/** How a sink keeps its promise; shown by `weir plan` and on the connector's page (invariant 11). */
export interface Delivery {
  /** A, B, C or D; see docs/invariants.md. */
  readonly class: 'A' | 'B' | 'C' | 'D';
  readonly mechanism: string;
  readonly limit: string;
}

export interface SourceConnector<Config = unknown> {
  readonly kind: 'source';
  /** The key in the YAML. */
  readonly name: string;
  readonly summary: string;
  readonly schema: z.ZodType<Config>;
  create(config: Config, context: ConnectorContext): Source;
}

export interface SinkConnector<Config = unknown> {
  readonly kind: 'sink';
  readonly name: string;
  readonly summary: string;
  readonly delivery: Delivery;
  readonly schema: z.ZodType<Config>;
  create(config: Config, options: SinkOptions, context: ConnectorContext): Sink;
}
