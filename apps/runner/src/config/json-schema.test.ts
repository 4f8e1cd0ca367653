import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { FakeConnectors } from '../connectors.fake.ts';
import { connectors } from '../connectors.ts';
import { fileJsonSchema, knownKeys } from './json-schema.ts';

const root = join(import.meta.dirname, '../../../..');

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
        schema_changes: { add: apply, key: stop, drop_table: apply }
        on_error: stop_table
    buffer_bytes: 256MiB
`;

/** What an editor does with the schema: `z.fromJSONSchema` reads the printed JSON, not the schema it was made from. */
function editorAccepts(schema: object, text: string): boolean {
  const printed = JSON.parse(JSON.stringify(schema)) as Parameters<typeof z.fromJSONSchema>[0];
  return z.fromJSONSchema(printed).safeParse(parse(text)).success;
}

/** The whole configurations in the project's pages, and the files of `examples`. */
function shownFiles(): { file: string; text: string }[] {
  const pages = ['README.md', 'apps/runner/README.md', 'docs/configuration.md'];
  const blocks = pages.flatMap((file) => {
    const found = readFileSync(join(root, file), 'utf8').matchAll(/^```yaml\n(.*?)^```/gms);
    return Array.from(found, ([, text = '']) => ({ file, text }));
  });
  const directory = join(root, 'examples');
  const names = existsSync(directory) ? readdirSync(directory, { recursive: true, encoding: 'utf8' }) : [];
  const examples = names.filter((name) => /\.ya?ml$/.test(name));
  const files = examples.map((name) => ({ file: name, text: readFileSync(join(directory, name), 'utf8') }));
  return [...blocks.filter(({ text }) => /^version:/m.test(text)), ...files];
}

describe('the printed schema', () => {
  const schema = fileJsonSchema(connectors);

  test('accepts a good file', () => {
    expect(editorAccepts(schema, SHOP)).toBe(true);
    const other = SHOP.replace('{ add: apply, key: stop, drop_table: apply }', 'ignore').replace('mode: mirror', 'mode: append');
    expect(editorAccepts(schema, other)).toBe(true);
  });

  test.each([
    ['a typo of a key', SHOP.replace('sinks:', 'sniks:')],
    ['a typo of a connector', SHOP.replace('duckdb:', 'duckbd:')],
    ['a typo of an option', SHOP.replace('path:', 'paht:')],
    ['a value of another type', SHOP.replace('version: 1', 'version: one')],
    ['a value that this version has not', SHOP.replace('on_error: stop_table', 'on_error: dead_letter')],
    ['a typo of a kind of schema change', SHOP.replace('drop_table:', 'drop-table:')],
    ['a schema policy that there is not for its kind', SHOP.replace('key: stop', 'key: ignore')],
    ['a schema policy that there is not', SHOP.replace('{ add: apply, key: stop, drop_table: apply }', 'allow')],
    ['no connector', SHOP.replace('duckdb: { path: ./shop.duckdb }', '')],
  ])('refuses %s', (_, text) => {
    expect(text).not.toBe(SHOP);
    expect(editorAccepts(schema, text)).toBe(false);
  });

  test('says what each key is for', () => {
    const properties = schema.properties as Record<string, { description?: string }>;
    for (const key of ['version', 'state', 'http', 'pipelines']) expect(properties[key]!.description).toMatch(/\.$/);
  });

  test('accepts every file that the documentation and the examples show', () => {
    const shown = shownFiles();
    expect(shown.length).toBeGreaterThanOrEqual(3);
    for (const { file, text } of shown) expect([file, editorAccepts(schema, text)]).toEqual([file, true]);
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
