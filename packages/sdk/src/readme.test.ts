import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BatchBuilder } from './batch-builder.ts';
import type { Batch } from './batch.ts';
import {
  ClickSession,
  LineSession,
  clicks,
  firstColumnBytes,
  lines,
  sampleCommit,
  withoutTruncates,
  type Click,
} from './testing/readme-examples.ts';

function blocks(file: string, pattern: RegExp): (string | undefined)[] {
  const text = readFileSync(new URL(file, import.meta.url), 'utf8');
  return Array.from(text.matchAll(pattern), ([, block]) => block);
}

const page: Click[] = [1, 2, 3].map((id) => ({ id, page: id === 2 ? null : `/${id}`, at: new Date(id * 1000) }));

async function fetchPage(after: number): Promise<Click[]> {
  return page.filter(({ id }) => id > after).slice(0, 2);
}

async function collect(session: ClickSession): Promise<Batch[]> {
  session.finishAt('0000000000000003');
  const batches: Batch[] = [];
  for await (const batch of session.batches(new AbortController().signal)) batches.push(batch);
  return batches;
}

describe('README.md', () => {
  test('quotes every example, and only examples, as they are', () => {
    const quoted = blocks('../README.md', /```ts\n(.*?)```/gs);
    const written = blocks('./testing/readme-examples.ts', /\/\/ begin \w+\n(.*?) *\/\/ end\n/gs);
    expect(quoted.length).toBeGreaterThan(5);
    expect(quoted).toEqual(written);
  });
});

describe('the examples', () => {
  test('a source gives its rows in order and resumes from each of its checkpoints', async () => {
    const batches = await collect(new ClickSession(fetchPage, null));
    expect(batches.map((batch) => [batch.rows, batch.checkpoint?.position, batch.schemaChanges.length])).toEqual([
      [2, '0000000000000002', 1],
      [1, '0000000000000003', 0],
    ]);
    const rest = await collect(new ClickSession(fetchPage, batches[0]!.checkpoint));
    expect(rest.map((batch) => [batch.rows, batch.checkpoint?.position])).toEqual([[1, '0000000000000003']]);
  });

  test('a sink sends what was written when it is flushed', async () => {
    const sent: string[] = [];
    const session = new LineSession(async (body) => void sent.push(body));
    for (const batch of await collect(new ClickSession(fetchPage, null))) await session.write(batch);
    expect(sent).toEqual([]);
    await session.flush();
    expect(sent.join().split('\n')).toEqual([
      '{"op":1,"table":"clicks","id":"1","page":"/1","at":"1970-01-01T00:00:01Z"}',
      '{"op":1,"table":"clicks","id":"2","page":null,"at":"1970-01-01T00:00:02Z"}',
      '{"op":1,"table":"clicks","id":"3","page":"/3","at":"1970-01-01T00:00:03Z"}',
    ]);
  });

  test('arrays can be read without an object per row, and a transform accounts for its rows', async () => {
    const builder = new BatchBuilder().begin(sampleCommit).truncate(clicks).insert(clicks, { id: 12 });
    const batch = builder.delete(clicks, { id: 3 }).insert(clicks, { id: 345 }).build(null);
    expect(firstColumnBytes(batch)).toEqual({ clicks: 5 });
    expect(await withoutTruncates.apply(batch)).toMatchObject({ filtered: 1, made: 0, rejected: [], batch: { rows: 3 } });
  });

  test('a connector reads its block and keeps its secret', () => {
    const config = lines.schema.parse({ url: 'https://example.org/in', token: 's3cret' });
    expect(JSON.stringify(config)).toBe('{"url":"https://example.org/in","token":"***"}');
    expect(lines.schema.safeParse({ url: 'https://example.org/in', token: 's3cret', more: 1 }).success).toBe(false);
  });
});
