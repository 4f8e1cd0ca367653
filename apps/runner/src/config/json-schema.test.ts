import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { FakeConnectors } from '../connectors.fake.ts';
import { connectors } from '../connectors.ts';
import { fileJsonSchema, knownKeys } from './json-schema.ts';

const examples = join(import.meta.dirname, '../../../../examples');

const SHOP = `
version: 1
http: 127.0.0.1:9464
pipelines:
  shop:
    source:
      postgres: { url: "\${DATABASE_URL}", tables: [public.*, "!public.audit_*"] }
    sinks:
      warehouse:
        duckdb: { path: ./shop.duckdb }
        mode: mirror
        target: { schema: "{schema}" }
    buffer_bytes: 256MiB
`;

/** What an editor does with the schema: `z.fromJSONSchema` reads the printed JSON, not the schema it was made from. */
function editorAccepts(schema: object, text: string): boolean {
  const printed = JSON.parse(JSON.stringify(schema)) as Parameters<typeof z.fromJSONSchema>[0];
  return z.fromJSONSchema(printed).safeParse(parse(text)).success;
}

describe('the printed schema', () => {
  const schema = fileJsonSchema(connectors);

  test('accepts a good file', () => {
    expect(editorAccepts(schema, SHOP)).toBe(true);
  });

  test.each([
    ['a typo of a key', SHOP.replace('sinks:', 'sniks:')],
    ['a typo of a connector', SHOP.replace('duckdb:', 'duckbd:')],
    ['a typo of an option', SHOP.replace('path:', 'paht:')],
    ['a value of another type', SHOP.replace('version: 1', 'version: one')],
    ['a value that this version has not', SHOP.replace('mode: mirror', 'mode: append')],
    ['no connector', SHOP.replace('duckdb: { path: ./shop.duckdb }', '')],
  ])('refuses %s', (_, text) => {
    expect(text).not.toBe(SHOP);
    expect(editorAccepts(schema, text)).toBe(false);
  });

  test('says what each key is for', () => {
    const properties = schema.properties as Record<string, { description?: string }>;
    for (const key of ['version', 'state', 'http', 'pipelines']) expect(properties[key]!.description).toMatch(/\.$/);
  });

  test.runIf(existsSync(examples))('accepts the examples', () => {
    const files = readdirSync(examples, { recursive: true, encoding: 'utf8' }).filter((file) => /\.ya?ml$/.test(file));
    for (const file of files) expect([file, editorAccepts(schema, readFileSync(join(examples, file), 'utf8'))]).toEqual([file, true]);
  });
});

describe('a number in the schema', () => {
  const schema = fileJsonSchema(new FakeConnectors());
  const withPort = (port: string) => SHOP.replace('tables:', `port: ${port}, tables:`);

  test.each([
    ['5432', true],
    ['"${PORT}"', true],
    ['"5432"', false],
    ['true', false],
  ])('may be %s: %s', (port, accepted) => {
    expect(editorAccepts(schema, withPort(port))).toBe(accepted);
  });
});

test('knownKeys follows records and connectors', () => {
  const schema = fileJsonSchema(new FakeConnectors());
  expect(knownKeys(schema, ['pipelines', 'any', 'source'])).toEqual(['postgres']);
  expect(knownKeys(schema, ['pipelines', 'any', 'sinks', 'any', 'kafka'])).toEqual(['brokers']);
  expect(knownKeys(schema, ['pipelines', 'any', 'source', 'postgres', 'tables', 0])).toEqual([]);
});
