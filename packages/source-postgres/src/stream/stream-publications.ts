import { parseLsn } from '@weir/pgoutput';
import type { CapturedTable } from '../shape/captured-table.ts';
import type { PostgresState, Publication } from '../position.ts';
import { GENERATED_COLUMNS } from '../server-version.ts';

/** What a stream can be asked for. */
export interface StreamPublications {
  readonly publications: readonly string[];
  /**
   * What commits from this LSN on takes another publication as well, so it is for another stream; null when there is none.
   */
  readonly until: bigint | null;
}

/**
 * The publications that a stream from an LSN on can decode with, and how far: before PostgreSQL 18 a slot fails at log that
 * is older than a publication that it is asked for. Nothing of what is older is missing: it is in the tables' copies.
 */
export function streamPublications(
  { publication, inserts }: Pick<PostgresState, 'publication' | 'inserts'>,
  tables: readonly CapturedTable[],
  from: bigint,
  version: number,
): StreamPublications {
  if (inserts === undefined) return { publications: [publication.name], until: null };
  const usable = version >= GENERATED_COLUMNS ? 0n : usableFrom(inserts, tables);
  if (usable <= from) return { publications: [publication.name, inserts.name], until: null };
  return { publications: [publication.name], until: usable };
}

/**
 * A transaction that was open when the publication was made is decoded as if it were not there, however late it commits. The
 * first copy of its tables has waited for all of those, so it is named where that copy ends.
 */
function usableFrom({ since }: Publication, tables: readonly CapturedTable[]): bigint {
  if (since === undefined) return 0n;
  const made = parseLsn(since);
  const copies = tables.flatMap(({ shaped, copiedAt }) => (shaped?.shape.insertsOnly === true ? [copiedAt!] : []));
  const later = copies.filter((copiedAt) => copiedAt > made);
  return later.length === 0 ? made : later.reduce((a, b) => (a < b ? a : b));
}
