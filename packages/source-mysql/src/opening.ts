import { WeirError, type Checkpoint, type Position } from '@weir/sdk';
import { readState, type MysqlState, type TableState } from './checkpoint-state.ts';
import { checkLog, type LogQuestions } from './log-identity.ts';
import { copiesBegun, fileBase, nextEpoch, parsePosition } from './position.ts';
import { readServerLog, type ServerLog } from './server-log.ts';

/** Where a session starts. */
export interface Opening {
  readonly state: MysqlState;
  /** The position of the checkpoint that it goes on from; null where it starts from nothing. */
  readonly given: Position | null;
  /** The state is of a new epoch, which every sink has to know before anything of it is written. */
  readonly isAnew: boolean;
}

/** From where the log ends now. @param tables that are captured from there on */
export function startFromNothing(tables: readonly TableState[], log: ServerLog, reach: Position | null): Opening {
  const { flavour, server, end, gtids } = log;
  const epoch = nextEpoch(null, reach);
  const state: MysqlState = { v: 1, flavour, server, epoch, copies: 0, gtids: gtids?.format() ?? null, ...end, tables };
  return { state, given: null, isAnew: false };
}

/**
 * Everything that the checkpoint relies on must still hold, or it is refused with its code (invariant 6). At another server, or at
 * one whose log began anew, it goes on by its GTIDs in the next epoch.
 * @throws WeirError WEIR_MYSQL_LOG_BEHIND, WEIR_MYSQL_LOG_PURGED, WEIR_MYSQL_LOG_SETTINGS, WEIR_MYSQL_EPOCH, WEIR_MYSQL_CHECKPOINT
 */
export async function resume(questions: LogQuestions, from: Checkpoint, reach: Position | null): Promise<Opening> {
  const state = readState(from);
  const log = await readServerLog(questions.client);
  const isSameLog = await checkLog(questions, state, log);
  const copies = copiesBegun(state.copies, reach);
  if (isSameLog && (reach === null || parsePosition(reach).epoch === state.epoch)) {
    return { state: { ...state, copies }, given: from.position, isAnew: false };
  }
  // Positions of one epoch say nothing of those of another: what a sink has beyond the checkpoint would come to it twice.
  if (reach !== null && reach !== from.position && !isBeginning(reach)) {
    throw new WeirError('WEIR_MYSQL_EPOCH', 'the log is another one, and one sink is further than another');
  }
  return { state: { ...state, copies, server: log.server, epoch: nextEpoch(from.position, reach), ...beginningOf(log) }, given: null, isAnew: true };
}

/** Every table is to be copied again, in the next epoch. @param state of the checkpoint that leads nowhere */
export function beginAnew({ state, position }: { readonly state: MysqlState; readonly position: Position }, log: ServerLog, reach: Position | null): Opening {
  const { flavour, server, end, gtids } = log;
  const tables = state.tables.map(({ namespace, name, reason, version, columns }): TableState => {
    const again = columns.length === 0 ? reason : 'again';
    return { namespace, name, reason: again, version: version + 1, columns: [], key: [], copy: { upTo: null, rows: 0 } };
  });
  const epoch = nextEpoch(position, reach);
  const copies = copiesBegun(state.copies, reach);
  return { state: { v: 1, flavour, server, epoch, copies, gtids: gtids?.format() ?? null, ...end, tables }, given: null, isAnew: true };
}

/** Whether the checkpoint leads nowhere any more: what follows it is gone, or in no log and no file that is there. */
export function isLostPosition(error: unknown): error is WeirError {
  return error instanceof WeirError && LOST.has(error.code);
}

const LOST: ReadonlySet<string> = new Set(['WEIR_MYSQL_LOG_PURGED', 'WEIR_MYSQL_LOG_BEHIND', 'WEIR_MYSQL_XA_FILE']);

/** In front of everything that a log has: where a stream by GTIDs is before it has heard where it is. */
function beginningOf({ end }: ServerLog): Pick<MysqlState, 'file' | 'offset' | 'fileTime'> {
  return { file: `${fileBase(end.file)}.000000`, offset: 0, fileTime: undefined };
}

/** A position that a new epoch begins with: nothing of it was given yet. */
function isBeginning(position: Position): boolean {
  const { file, offset, ordinal, copy } = parsePosition(position);
  return file === 0 && offset === 0 && ordinal === 0 && copy === 0;
}
