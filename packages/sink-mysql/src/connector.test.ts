import { describe, expect, it } from 'vitest';
import { defaultSinkOptions, silentLogger, systemClock, type SinkOptions } from '@weir/sdk';
import { mysqlSinkConfig } from './config.ts';
import { mysqlSink } from './connector.ts';
import { mysql } from './mysql.ts';

const url = 'mysql://weir:secret@db.example.com/mirror';

function create(options: Partial<SinkOptions>): unknown {
  const context = { pipeline: 'shop', name: 'warehouse', log: silentLogger, clock: systemClock };
  return mysqlSink.create(mysqlSinkConfig.parse({ url }), { ...defaultSinkOptions, ...options }, context);
}

describe('the connector', () => {
  it('says its class, how it keeps the promise, and its limit (invariant 11)', () => {
    expect(mysqlSink.delivery).toEqual({
      class: 'A',
      mechanism: expect.stringContaining('one transaction') as string,
      limit: expect.stringContaining('one session') as string,
    });
  });

  it('takes templates with {schema} and {table}, and refuses others', () => {
    expect(create({ target: { schema: 'mirror', table: '{schema}_{table}' } })).toBeDefined();
    for (const target of [{ schema: '{database}', table: '{table}' }, { schema: '{schema}', table: '' }]) {
      expect(() => create({ target })).toThrow(expect.objectContaining({ code: 'WEIR_CONFIG_INVALID' }) as Error);
    }
  });
});

describe('the configuration', () => {
  it('has defaults, and keeps the URL a secret (invariant 10)', () => {
    const config = mysqlSinkConfig.parse({ url });
    expect(config).toMatchObject({ idle_timeout: 300_000 });
    expect(JSON.stringify(config)).not.toContain('secret');
    expect(config.url!.reveal()).toBe(url);
  });

  it('refuses what it does not know', () => {
    for (const wrong of [{}, { url: '' }, { url, tls: 'prefer' }, { url, idle_timeout: '1ms' }, { url, schema: 'x' }]) {
      expect(mysqlSinkConfig.safeParse(wrong).success, JSON.stringify(wrong)).toBe(false);
    }
    expect(mysqlSinkConfig.safeParse({ host: 'db.example.com', user: 'weir', password: 'secret' }).success).toBe(true);
    const config = mysqlSinkConfig.parse({ url, tls: 'verify-full', idle_timeout: '30s' });
    expect(config).toMatchObject({ tls: 'verify-full', idle_timeout: 30_000 });
  });
});

describe('in a program', () => {
  it('a sink is made of the same options, and wrong ones are refused', () => {
    expect(mysql({ url, mode: 'append', idle_timeout: '1m' })).toBeDefined();
    expect(() => mysql({ url: '' })).toThrow(/url/);
  });
});
