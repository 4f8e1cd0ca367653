import type { Reshape, Values } from './sim-tables.ts';

/** What a client sends. In a history what cannot be is left out, so that a shorter script is a script as well. */
export type Statement =
  /** Inserts a row, or updates it, with values that no other has. @property keepsLarge an update leaves `large` as it is */
  | { readonly does: 'put'; readonly table: string; readonly key: string; readonly keepsLarge: boolean }
  /** Gives a row another key, and other values. */
  | { readonly does: 'move'; readonly table: string; readonly key: string; readonly to: string; readonly keepsLarge: boolean }
  /** A column that is not named gets its default. */
  | { readonly does: 'insert'; readonly table: string; readonly key: string; readonly values: Values }
  /** A column that is not named stays. @property to another key; `key` by default */
  | { readonly does: 'update'; readonly table: string; readonly key: string; readonly to?: string; readonly values: Values }
  /** Inserts rows that differ in their keys alone: numbers that follow each other. */
  | { readonly does: 'fill'; readonly table: string; readonly first: number; readonly count: number; readonly values: Values }
  | { readonly does: 'delete'; readonly table: string; readonly key: string }
  | { readonly does: 'truncate'; readonly table: string }
  | { readonly does: 'savepoint' }
  | { readonly does: 'release' }
  | { readonly does: 'rollback to savepoint' }
  /** A column is added, dropped or renamed, whichever comes next for it. */
  | { readonly does: 'alter'; readonly table: string; readonly how: Reshape['change'] }
  | { readonly does: 'reshape'; readonly table: string; readonly how: Reshape };

/** What became of it. `waits`: somebody else holds a lock that it needs. `left out`: no such row, or one that is there. */
export type Effect = 'done' | 'waits' | 'left out';

/** The rows that it locks; null: all of its table. */
export function lockedKeys(statement: Extract<Statement, { table: string }>): readonly string[] | null {
  switch (statement.does) {
    case 'put':
    case 'insert':
    case 'delete':
      return [statement.key];
    case 'move':
      return [statement.key, statement.to];
    case 'update':
      return [statement.key, statement.to ?? statement.key];
    default:
      return null;
  }
}
