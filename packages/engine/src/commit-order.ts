import type { Position } from '@weir/sdk';

/**
 * Who of several sinks commits first after a start from that which is behind: whoever holds more. A sink that passed another
 * one's place before that one has committed anything would leave it the earliest, and the next start would go on from it,
 * whose checkpoint calls more of a copy done than the others have.
 */
export class CommitOrder<Sink> {
  readonly #ahead = new Map<Sink, Position>();
  readonly #goesLast: (sink: Sink) => boolean;
  #waiting: (() => void)[] = [];

  /** @param goesLast whether a sink takes each part of a copy behind the others: then it is ahead of them in none */
  constructor(goesLast: (sink: Sink) => boolean = () => false) {
    this.#goesLast = goesLast;
  }

  /** A sink holds more than the source was opened from. */
  add(sink: Sink, holds: Position): void {
    this.#ahead.set(sink, holds);
  }

  /** From its first commit on a sink is in step with the source. */
  committed(sink: Sink): void {
    if (!this.#ahead.delete(sink)) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves when nobody is to commit before a sink commits this position. */
  async turn(sink: Sink, position: Position): Promise<void> {
    while (this.#isBefore(sink, position)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #isBefore(sink: Sink, position: Position): boolean {
    const own = this.#ahead.get(sink) ?? null;
    return Array.from(this.#ahead).some(([other, holds]) => {
      if (other === sink || (this.#goesLast(other) && !this.#goesLast(sink))) return false;
      return holds < position && (own === null || own < holds);
    });
  }
}
