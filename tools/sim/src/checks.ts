import type { SinkStatus } from '@weir/engine';
import { Violation } from './violation.ts';

/**
 * Invariant 1: the server is told that something is durable only when it is, in every sink.
 * @param durable LSN of each sink's durable checkpoint, -1 without one
 */
export function checkConfirmed(lsn: number, durable: ReadonlyMap<string, number>): void {
  for (const [name, at] of durable) {
    if (at < lsn) throw new Violation(1, 'confirmed what is not durable', `${lsn} is confirmed, ${name} is at ${at}`);
  }
}

/** Invariant 1 once more, at the end: a confirmation is not left out for good. */
export function checkAllConfirmed(confirmed: number | null, durable: ReadonlyMap<string, number>): void {
  const least = Math.min(...durable.values());
  if (confirmed === least) return;
  throw new Violation(1, 'a confirmation is missing', `${confirmed} is confirmed, ${least} is durable`);
}

/** Invariant 7, of a runner that has ended: nothing is on its way, and every row is somewhere. */
export function checkCounters(sinks: Readonly<Record<string, Pick<SinkStatus, 'rows'>>>): void {
  for (const [name, { rows }] of Object.entries(sinks)) {
    const places = rows.delivered + rows.filtered + rows.skipped + rows.replayed + rows.same + rows.deadLetters + rows.abandoned;
    if (rows.in + rows.made === places && rows.inFlight === 0) continue;
    throw new Violation(7, 'counters do not balance', `${name}: ${JSON.stringify(rows)}`);
  }
}

/**
 * Invariant 8: what was handed out and not given back is within the bound, or one batch that is larger; and the batch that
 * waits for room.
 */
export function checkBound(heldBytes: number, bufferBytes: number, largestBatch: number): void {
  if (heldBytes <= Math.max(bufferBytes, largestBatch) + largestBatch) return;
  throw new Violation(8, 'more is buffered than may be', `${heldBytes} of ${bufferBytes} bytes`);
}
