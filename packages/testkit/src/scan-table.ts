import type { Source } from '@weir/sdk';
import { seeBatch, type SeenRow } from './seen-batch.ts';

/** What the database itself has in a table, by the source's scan. @param name without its namespace */
export async function scanTable(source: Source, name: string): Promise<SeenRow[]> {
  const { signal } = new AbortController();
  const table = (await source.discover(signal)).find((other) => other.name === name)!;
  const rows: SeenRow[] = [];
  for await (const batch of source.scan(table, signal)) {
    rows.push(...seeBatch(batch).rows);
    batch.release();
  }
  return rows;
}
