import type { SinkOptions } from '@weir/sdk';
import type { Decimals } from './config.ts';

/** What a sink was told to do with tables, rows and values. */
export interface SinkRules extends Pick<SinkOptions, 'mode' | 'target' | 'deletes' | 'schemaChanges'> {
  readonly decimals: Decimals;
  /** When changes of rows wait in a delta; null when they do not, as in histories and under soft deletes. */
  readonly changes: DeltaRule | null;
}

/** Which tables have a delta, and when it is merged. */
export interface DeltaRule {
  /** Rows that a table has at least. */
  readonly rows: number;
  /** The part of the base that the delta may become. */
  readonly share: number;
  /** Whether a commit that writes nothing merges one. */
  readonly atRest: boolean;
}

export const deltaRule: DeltaRule = { rows: 1_000_000, share: 0.01, atRest: true };

/** A mirror that marks deleted rows instead of removing them. In a history nothing is ever removed. */
export function marksDeletes(rules: SinkRules): boolean {
  return rules.mode === 'mirror' && rules.deletes === 'soft';
}
