import { WeirError } from './errors.ts';
import { comparePositions, type Checkpoint, type Position } from './position.ts';

/**
 * A change's place in the order of all changes: its transaction, its ordinal there, and whether it is a change of the shape
 * in front of the row of that ordinal (`step` counts those from 0) or that row itself ({@link ROW_STEP}).
 */
export interface ChangePlace {
  readonly position: Position;
  readonly ordinal: number;
  readonly step: number;
}

/** `ChangePlace.step` of a row: behind all changes of the shape that come before it. */
export const ROW_STEP = 0xffff_ffff;

export function comparePlaces(a: ChangePlace, b: ChangePlace): number {
  return comparePositions(a.position, b.position) || a.ordinal - b.ordinal || a.step - b.step;
}

/** What to resume from behind one change: the last checkpoint before it, and its own place. */
export interface ChangeToken {
  /** Null before the source's first checkpoint: resuming starts from nothing. */
  readonly checkpoint: Checkpoint | null;
  readonly place: ChangePlace;
}

type TokenParts = [Position, ordinal: number, step: number, Position | null, Checkpoint['state']];

/** The token as text, to be stored and given back as it is. */
export function formatToken({ checkpoint, place }: ChangeToken): string {
  const { position, ordinal, step } = place;
  return JSON.stringify([position, ordinal, step, checkpoint?.position ?? null, checkpoint?.state ?? null]);
}

/** @throws WeirError WEIR_SDK_USE when the text is no token */
export function parseToken(text: string): ChangeToken {
  try {
    const [position, ordinal, step, at, state] = JSON.parse(text) as TokenParts;
    if (typeof position === 'string' && Number.isInteger(ordinal) && Number.isInteger(step)) {
      return { place: { position, ordinal, step }, checkpoint: at === null ? null : { position: at, state } };
    }
  } catch {
    // Said below, for whatever is wrong with it.
  }
  throw new WeirError('WEIR_SDK_USE', 'what changes are to resume from is not the token of a change');
}
