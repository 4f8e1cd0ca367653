import type { PipelineStatus } from '@weir/engine';

/** A change shows in the rate by half after this time. */
const HALF_LIFE_MS = 1500;

interface Seen {
  readonly at: number;
  readonly rows: number;
  readonly rate: number | null;
}

/** Rows per second at each sink, smoothed, from one status to the next. */
export class RateMeter {
  readonly #seen = new Map<string, Seen>();

  /** Takes a status in. @param now ms, from a clock that does not run backwards */
  observe(status: PipelineStatus, now: number): void {
    for (const [sink, { rows }] of Object.entries(status.sinks)) {
      const key = keyOf(status.name, sink);
      const before = this.#seen.get(key);
      if (before === undefined) this.#seen.set(key, { at: now, rows: rows.delivered, rate: null });
      else if (now > before.at) this.#seen.set(key, next(before, now, rows.delivered));
    }
  }

  /** Rows per second; null before the second status. */
  rate(pipeline: string, sink: string): number | null {
    return this.#seen.get(keyOf(pipeline, sink))?.rate ?? null;
  }
}

function keyOf(pipeline: string, sink: string): string {
  return `${pipeline}\0${sink}`;
}

function next(before: Seen, at: number, rows: number): Seen {
  const elapsed = at - before.at;
  const current = Math.max(0, ((rows - before.rows) * 1000) / elapsed);
  const weight = before.rate === null ? 1 : 1 - 0.5 ** (elapsed / HALF_LIFE_MS);
  const rate = (before.rate ?? 0) * (1 - weight) + current * weight;
  return { at, rows, rate: rate < 0.05 ? 0 : rate };
}
