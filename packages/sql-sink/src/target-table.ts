import type { QualifiedName } from './quoting.ts';
import type { Finding } from './finding.ts';

/** A column of a table at the sink. */
export interface TargetColumn {
  /** Its name once everything that this commit does to the table is done. */
  readonly name: string;
  /** Its name until then, where that is another one. */
  readonly physical?: string;
  /** As `ColumnType.sql` has it. */
  readonly type: string;
  readonly notNull: boolean;
  /** It has a default or counts by itself, so that a row may come without it. */
  readonly filled: boolean;
  /** It is computed, so that no row may come with it. */
  readonly generated: boolean;
}

/** A unique index, or the index of an exclusion constraint. */
export interface TargetIndex {
  readonly name: string;
  readonly primary: boolean;
  readonly exclusion?: boolean;
  /** Null for an index on expressions, on some rows only, or on the beginning of a column. */
  readonly columns: readonly string[] | null;
}

/** What a table at the sink is like now. */
export interface TargetTable {
  /** Where its rows are until the commit is through, where that is another table than the target. */
  readonly place?: QualifiedName;
  /** Why it cannot be written, whatever its columns are. */
  readonly unfit?: Finding;
  readonly columns: readonly TargetColumn[];
  readonly indexes: readonly TargetIndex[];
}
