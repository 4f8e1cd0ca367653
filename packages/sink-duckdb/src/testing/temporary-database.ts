import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { schemaPolicies, silentLogger, systemClock, type Sink, type SinkOptions } from '@weir/sdk';
import type { DuckdbConfig } from '../config.ts';
import { duckdbSink } from '../connector.ts';
import { DuckdbSink } from '../sink.ts';

export const mirrorOptions: SinkOptions = {
  mode: 'mirror',
  target: { schema: '{schema}', table: '{table}' },
  deletes: 'hard',
  schemaChanges: schemaPolicies('stop'),
  onError: 'stop',
  memoryBytes: 128 * 2 ** 20,
};

/** When the deltas of a sink are merged that has one for each table, however small, see `DeltaRule`. */
export interface Deltas {
  readonly share: number;
  readonly atRest: boolean;
}

export function makeSink(
  path: string,
  options: Partial<SinkOptions> = {},
  config: Partial<DuckdbConfig> = {},
  delta: Deltas | null = null,
): Sink {
  const context = { pipeline: 'shop', name: 'warehouse', log: silentLogger, clock: systemClock };
  if (delta !== null) {
    const deltaConfig = { ...config, path, changes: 'delta' } as const;
    return new DuckdbSink(deltaConfig, { ...mirrorOptions, ...options }, context, { rows: 0, ...delta });
  }
  return duckdbSink.create({ ...config, path }, { ...mirrorOptions, ...options }, context);
}

/** A folder of its own with the path of a database in it, which is not made yet. */
export class TemporaryDatabase implements AsyncDisposable {
  readonly folder: string;
  readonly path: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.path = join(folder, 'shop.duckdb');
  }

  static async make(): Promise<TemporaryDatabase> {
    return new TemporaryDatabase(await mkdtemp(join(tmpdir(), 'weir-duckdb-')));
  }

  sink(options: Partial<SinkOptions> = {}, config: Partial<DuckdbConfig> = {}): Sink {
    return makeSink(this.path, options, config);
  }

  /** A sink all of whose tables have a delta, if they can. */
  deltaSink(delta: Deltas, options: Partial<SinkOptions> = {}): Sink {
    return makeSink(this.path, options, {}, delta);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}
