/** The number in docs/invariants.md of what a history has broken; 0 for a history that does not end. */
export type InvariantNumber = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;

/** What did not hold. */
export class Violation extends Error {
  readonly invariant: InvariantNumber;
  /** In a few words, the same for all seeds. */
  readonly property: string;

  constructor(invariant: InvariantNumber, property: string, detail: string) {
    super(`${property}: ${detail}`);
    this.invariant = invariant;
    this.property = property;
  }
}
