/**
 * A place in a source's commit order (invariant 2). Positions of one pipeline compare bytewise;
 * they are printable ASCII, so JavaScript's `<` on strings is that order.
 */
export type Position = string;

/** Any JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** A resume token: everything up to `position` has been delivered once it is durable. */
export interface Checkpoint {
  readonly position: Position;
  /**
   * Private to the source: snapshot progress, identity of the server, a GTID set.
   * A source keeps the same object while nothing in it changed, so that a sink may skip writing it again.
   */
  readonly state: Json;
}

/** Negative when `a` comes before `b`, 0 when they are the same place, positive when after. */
export function comparePositions(a: Position, b: Position): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The furthest of some positions; null when there is none. */
export function furthestPosition(positions: Iterable<Position | null>): Position | null {
  let furthest: Position | null = null;
  for (const position of positions) {
    if (position !== null && (furthest === null || comparePositions(position, furthest) > 0)) furthest = position;
  }
  return furthest;
}

/** The earliest of some checkpoints; null when any is missing, since then nothing may be forgotten (invariant 1). */
export function earliestCheckpoint(checkpoints: Iterable<Checkpoint | null>): Checkpoint | null {
  let earliest: Checkpoint | null = null;
  for (const checkpoint of checkpoints) {
    if (checkpoint === null) return null;
    if (earliest === null || comparePositions(checkpoint.position, earliest.position) < 0) earliest = checkpoint;
  }
  return earliest;
}
