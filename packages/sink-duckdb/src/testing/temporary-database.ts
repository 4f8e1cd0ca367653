import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { schemaPolicies, silentLogger, systemClock, type Sink, type SinkOptions } from '@weir/sdk';
import type { DuckdbConfig } from '../config.ts';
import { duckdbSink } from '../connector.ts';

export const mirrorOptions: SinkOptions = {
  mode: 'mirror',
  target: { schema: '{schema}', table: '{table}' },
  deletes: 'hard',
  schemaChanges: schemaPolicies('stop'),
  onError: 'stop',
  memoryBytes: 128 * 2 ** 20,
};

export function makeSink(path: string, options: Partial<SinkOptions> = {}, config: Partial<DuckdbConfig> = {}): Sink {
  const context = { pipeline: 'shop', name: 'warehouse', log: silentLogger, clock: systemClock };
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

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}
