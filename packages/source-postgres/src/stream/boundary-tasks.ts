import type { SchemaChange } from '@weir/sdk';

type Apply = () => readonly SchemaChange[];

/** What is to be done when a stream has got somewhere, in the order of the places. */
export class BoundaryTasks {
  readonly #tasks: { readonly lsn: bigint; readonly apply: Apply }[] = [];

  /** @param lsn the first boundary at or behind it counts */
  add(lsn: bigint, apply: Apply): void {
    const later = this.#tasks.findIndex((task) => task.lsn > lsn);
    this.#tasks.splice(later === -1 ? this.#tasks.length : later, 0, { lsn, apply });
  }

  /** The LSN that is waited for first; null when nothing waits. */
  get next(): bigint | null {
    return this.#tasks[0]?.lsn ?? null;
  }

  /** Takes the first task, if a boundary at `lsn` is late enough for it. */
  due(lsn: bigint): Apply | null {
    return this.next === null || this.next > lsn ? null : this.#tasks.shift()!.apply;
  }
}
