import { formatLsn } from '@weir/pgoutput';
import { expect, test } from 'vitest';
import type { CapturedTable } from '../shape/captured-table.ts';
import { streamPublications } from './stream-publications.ts';

const publication = { name: 'main', oid: 1, owned: true };
const inserts = { name: 'main_inserts', oid: 2, owned: true };

/** A table with the commit LSN from which on its rows are news. */
function table(copiedAt: bigint, insertsOnly: boolean): CapturedTable {
  return { copiedAt, shaped: { shape: { insertsOnly } } } as unknown as CapturedTable;
}

/** The names, and where the stream has to end. @param since null for a publication that is older than the slot */
function streamed(since: bigint | null, tables: CapturedTable[], from: bigint, version = 170_000): string {
  const second = since === null ? inserts : { ...inserts, since: formatLsn(since) };
  const { publications, until } = streamPublications({ publication, inserts: second }, tables, from, version);
  return `${publications.join(' ')} until ${until}`;
}

test('one publication goes on for ever', () => {
  expect(streamPublications({ publication }, [], 5n, 140_000)).toEqual({ publications: ['main'], until: null });
});

test('a second one that is older than the slot, or behind which the stream starts, is asked for at once', () => {
  expect(streamed(null, [], 5n)).toBe('main main_inserts until null');
  expect(streamed(5n, [], 5n)).toBe('main main_inserts until null');
  expect(streamed(5n, [table(8n, true)], 8n)).toBe('main main_inserts until null');
});

test('before PostgreSQL 18 it is asked for behind the first copy of its tables', () => {
  expect(streamed(5n, [], 4n)).toBe('main until 5');
  expect(streamed(5n, [table(8n, true), table(20n, true), table(6n, false)], 4n)).toBe('main until 8');
  // Copied from a publication of others before this one was made.
  expect(streamed(5n, [table(3n, true)], 4n)).toBe('main until 5');
  // The transactions that were open when it was made end below 8.
  expect(streamed(5n, [table(8n, true)], 6n)).toBe('main until 8');
});

test('from PostgreSQL 18 on the server skips it where it is not there yet', () => {
  expect(streamed(5n, [table(8n, true)], 4n, 180_000)).toBe('main main_inserts until null');
});
