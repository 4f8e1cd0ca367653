import { WeirError, type ErrorCode } from '@weir/sdk';
import { checkPublications } from './capture/publication.ts';
import type { PostgresConfig } from './config.ts';
import type { MissingTablesOptions } from './copy/missing-tables.ts';

/**
 * What says that a checkpoint leads to no next change here, and whether a pipeline may begin anew because of it
 * (invariant 6). `never`: what is there is somebody else's, or passes by itself, or cannot be read, so a copy would go over
 * what is right or come from where it should not.
 */
const LOST_POSITIONS = {
  WEIR_PG_SLOT_LOST: 'anew',
  WEIR_PG_SLOT_INVALIDATED: 'anew',
  WEIR_PG_SLOT_ADVANCED: 'anew',
  WEIR_PG_SYSTEM_CHANGED: 'anew',
  WEIR_PG_TIMELINE_CHANGED: 'anew',
  WEIR_PG_LOG_BEHIND: 'anew',
  WEIR_PG_PUBLICATION_MISSING: 'anew',
  WEIR_PG_PUBLICATION_CHANGED: 'anew',
  WEIR_PG_EPOCH: 'anew',
  WEIR_PG_SLOT_FOREIGN: 'never',
  WEIR_PG_SLOT_IN_USE: 'never',
  WEIR_PG_DATABASE_CHANGED: 'never',
  WEIR_PG_CHECKPOINT: 'never',
} as const satisfies Partial<Record<ErrorCode, 'anew' | 'never'>>;

/** Whether a pipeline is to begin anew where it meets this failure. */
export function beginsAnew({ on_lost_position }: PostgresConfig, error: unknown): error is WeirError {
  if (on_lost_position === 'fail' || !(error instanceof WeirError)) return false;
  return (LOST_POSITIONS as Partial<Record<ErrorCode, string>>)[error.code] === 'anew';
}

/** A failure of a running session; where the pipeline is to begin anew it is one that is tried again. */
export function lostUnderWay(config: PostgresConfig, error: unknown): unknown {
  if (!beginsAnew(config, error)) return error;
  const message = `the position was lost while streaming, so all tables are copied again; ${error.code}: ${error.message}`;
  return new WeirError('WEIR_PG_RESNAPSHOT', message, { cause: error });
}

/** How often and with what pause, in ms, it is looked what became of a publication: what was decoded may not be visible yet. */
const LOOKS = 10;
const LOOK_MS = 100;

/**
 * What a running session is to say of a failure. Servers before version 18 end a stream where the publication was not there, and
 * do not know what became of it since.
 */
export async function explained(
  error: unknown,
  { control, context, tables }: Pick<MissingTablesOptions, 'control' | 'context' | 'tables'>,
): Promise<unknown> {
  if (!(error instanceof WeirError) || error.code !== 'WEIR_PG_PUBLICATION_MISSING') return error;
  try {
    for (let look = 0; look < LOOKS; look++) {
      await control.use(async (client) => await checkPublications(client, tables.state));
      await context.clock.sleep(LOOK_MS);
    }
    return error;
  } catch (found) {
    return found instanceof WeirError && found.code === 'WEIR_PG_PUBLICATION_CHANGED' ? found : error;
  }
}
