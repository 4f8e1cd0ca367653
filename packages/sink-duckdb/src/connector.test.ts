import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { WeirError, type SinkOptions } from '@weir/sdk';
import { duckdbConfig } from './config.ts';
import { makeSink } from './testing/temporary-database.ts';

const refused: readonly { options: Partial<SinkOptions>; path: string }[] = [
  { options: { target: { schema: '{database}', table: '{table}' } }, path: 'target.schema' },
  { options: { target: { schema: '{schema}', table: '' } }, path: 'target.table' },
];

describe('the connector', () => {
  it.each(refused)('refuses templates that mean nothing: $path', ({ options, path }) => {
    expect(() => makeSink('shop.duckdb', options)).toThrow(WeirError);
    expect(() => makeSink('shop.duckdb', options)).toThrow(expect.objectContaining({ code: 'WEIR_CONFIG_INVALID', path }));
  });

  it('takes a path, and a memory limit, threads and what becomes of decimals if given', () => {
    expect(duckdbConfig.parse({ path: './shop.duckdb' })).toEqual({ path: './shop.duckdb' });
    expect(duckdbConfig.parse({ path: 'a', memory_limit: '1GiB', threads: 2 })).toEqual({
      path: 'a',
      memory_limit: 2 ** 30,
      threads: 2,
    });
    for (const decimals of ['varchar', 'double', 'error', { precision: 38, scale: 10 }]) {
      expect(duckdbConfig.parse({ path: 'a', decimals })).toEqual({ path: 'a', decimals });
    }
    for (const wrong of [
      {},
      { path: '' },
      { path: 'a', threads: 0 },
      { path: 'a', memory_limit: 'lots' },
      { path: 'a', other: 1 },
      { path: 'a', decimals: 'float' },
      { path: 'a', decimals: { precision: 39, scale: 0 } },
      { path: 'a', decimals: { precision: 4, scale: 5 } },
      { path: 'a', decimals: { precision: 4 } },
    ]) {
      expect(duckdbConfig.safeParse(wrong).success).toBe(false);
    }
    expect(z.toJSONSchema(duckdbConfig, { io: 'input' })).toMatchObject({ required: ['path'], additionalProperties: false });
  });
});
