import type { SinkOptions } from '@weir/sdk';
import type { Decimals } from './config.ts';

/** What a sink was told to do with tables, rows and values. */
export interface SinkRules extends Pick<SinkOptions, 'mode' | 'target' | 'deletes' | 'schemaChanges'> {
  readonly decimals: Decimals;
}

/** A mirror that marks deleted rows instead of removing them. In a history nothing is ever removed. */
export function marksDeletes(rules: SinkRules): boolean {
  return rules.mode === 'mirror' && rules.deletes === 'soft';
}
