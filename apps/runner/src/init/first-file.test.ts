import { describe, expect, test } from 'vitest';
import { loadConfig } from '../config/load.ts';
import { TestFolder } from '../folder.fake.ts';
import { fileUrl } from './connection-url.ts';
import { firstFile } from './first-file.ts';

function load(from: string | undefined, to: string | undefined, env: Record<string, string>) {
  using folder = new TestFolder();
  return loadConfig(folder.file('weir.yaml', firstFile(from, to).text), env);
}

describe('a first file', () => {
  test.each([
    [undefined, undefined, 'main', ['DATABASE_URL']],
    ['postgres://app@db/shop', 'duckdb:./out.duckdb', 'shop', []],
    ['postgres://app:a%40b@db/shop', undefined, 'shop', ['SOURCE_PASSWORD']],
    ['postgresql://app:x@one:5432,two:5433/my.shop?target_session_attrs=primary', 'postgres://w:y@dw/dw', 'my_shop', ['SOURCE_PASSWORD', 'SINK_PASSWORD']],
    ['postgres://db', 'duckdb:a "quoted" ${path}', 'main', []],
  ])('%s to %s is valid', (from, to, name, variables) => {
    expect(firstFile(from, to).variables.map((variable) => variable.name)).toEqual(variables);
    const env = { DATABASE_URL: 'postgres://u:p@h/d', SOURCE_PASSWORD: 'p', SINK_PASSWORD: 'p' };
    expect([...load(from, to, env).pipelines.keys()]).toEqual([name]);
  });

  test('its options that are commented out are valid too', () => {
    using folder = new TestFolder();
    const text = firstFile('postgres://db/shop', undefined).text.replace(/# (?=[a-z_]+: )/g, '');
    expect(loadConfig(folder.file('weir.yaml', text), {}).pipelines.get('shop')!.sinks[0]!.options.onError).toBe('stop_table');
  });

  test('what this version does not connect to is refused, and not repeated: it may hold a password', () => {
    for (const [from, to] of [['mysql://a:secret@h/d', undefined], [undefined, 'oracle:secret'], [undefined, 'duckdb:']]) {
      expect(() => firstFile(from, to)).toThrow(expect.objectContaining({ code: 'WEIR_USAGE', message: expect.not.stringContaining('secret') as string }) as Error);
    }
  });
});

describe('the URL of a file', () => {
  test.each([
    ['postgres://u:p@h/d', 'postgres://u:${X}@h/d', true],
    ['postgres://u:p:q@r@h:1,i:2/d', 'postgres://u:${X}@h:1,i:2/d', true],
    ['postgres://u@h/d?password=p&sslmode=require', 'postgres://u@h/d?password=${X}&sslmode=require', true],
    ['postgres://h', 'postgres://h', false],
    ['postgres://u:p@h/${d}', 'postgres://u:${X}@h/$${d}', true],
  ])('of %s is %s', (url, text, hasPassword) => {
    expect(fileUrl(url, 'X')).toMatchObject({ text, hasPassword });
  });
});
