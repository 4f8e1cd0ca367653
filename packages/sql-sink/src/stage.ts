import { WeirError, tableName, type ErrorCode } from '@weir/sdk';
import type { Layout } from './layout.ts';

/** What is staged, so that statements that would find nothing are left out. */
export interface Staged {
  readonly rows: number;
  /** Columns of the source's table that some image left unchanged, in order. */
  readonly unchanged: readonly number[];
  /** Some row carries what the target's extra columns held. */
  readonly carries: boolean;
  /** Some may change rows that are there. */
  readonly changes: boolean;
  /** Some bring rows. */
  readonly inserts: boolean;
  /** Some bring rows that may be there already. */
  readonly reads: boolean;
  /** Some give a row another key. */
  readonly moves: boolean;
}

/** The temporary table of a dialect that rows are staged in, and what is done with them there. Its columns: see `stagedList`. */
export interface Stage {
  /** The table's name in SQL. */
  readonly name: string;
  /** Makes the table ready to take the first rows of a merge. */
  open(): Promise<void>;
  /** Merges what is staged into the target. @throws WeirError `codes.diverged` of the dialect */
  merge(staged: Staged): Promise<void>;
  /**
   * Fetches what changed keys left as it was, from the target's rows of the old keys. Each is two staged rows, a delete and
   * the insert right behind it; nothing else is staged, so that the target's rows are as they were before.
   * @returns how many rows of the target it found
   */
  fillMoves(staged: Staged): Promise<number>;
  /** Marks the target's rows of a range as deleted whose keys are not staged. @param at a literal */
  markAbsent(staged: Staged, range: string, at: string): Promise<void>;
  /**
   * Rows before a number are done with, merged or not.
   * @param next null at the end of a commit, when numbers begin anew
   * @returns the number of the next row
   */
  pass(rows: number, next: number | null): number;
  drop(): Promise<void>;
}

/** What the target held of the staged keys; all zero when it was what the source says it is. */
export interface Divergence {
  /** Keys to change or delete that are not there. */
  readonly missing: number;
  /** Rows too many of keys to change or delete. */
  readonly doubled: number;
  /** Rows of keys that are to be inserted. */
  readonly present: number;
}

/** @throws WeirError with a code, unless all counts are zero */
export function expectNone(code: ErrorCode, { table }: Layout, divergence: Divergence): void {
  const { missing, doubled, present } = divergence;
  if (missing === 0 && doubled === 0 && present === 0) return;
  throw new WeirError(
    code,
    `${tableName(table)} is not as the source left it: of this commit ${missing} rows to change are missing` +
      `, ${doubled} rows to change are there twice, ${present} rows to insert are there already`,
    { table: tableName(table) },
  );
}
