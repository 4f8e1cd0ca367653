import { parseLsn } from '@weir/pgoutput';
import type { PostgresState } from './position.ts';
import { GENERATED_COLUMNS } from './server-version.ts';

/**
 * The publications that a stream from an LSN on can decode with, and from which LSN on there is another: before PostgreSQL 18
 * a slot fails at log that is older than a publication. Nothing of what is older is missing: it is in the tables' copies.
 */
export function streamPublications(
  { publication, inserts }: Pick<PostgresState, 'publication' | 'inserts'>,
  from: bigint,
  version: number,
): { readonly publications: readonly string[]; readonly next: bigint | null } {
  const all = [publication, ...(inserts === undefined ? [] : [inserts])];
  if (version >= GENERATED_COLUMNS) return { publications: all.map(({ name }) => name), next: null };
  const since = (of: { readonly since?: string }): bigint => (of.since === undefined ? 0n : parseLsn(of.since));
  const usable = all.filter((each) => since(each) <= from);
  const later = all.filter((each) => since(each) > from).map(since);
  const names = usable.map(({ name }) => name);
  return { publications: names, next: later.length === 0 ? null : later.reduce((a, b) => (a < b ? a : b)) };
}
