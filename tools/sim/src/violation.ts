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

/** What it means that a runner ended with an error. */
export function violationOf(code: string, message: string): Violation {
  if (code === 'WEIR_PG_SLOT_ADVANCED') return new Violation(1, 'the source has forgotten what is not delivered', message);
  if (code === 'WEIR_SDK_USE') return new Violation(2, 'a sink was given what it cannot take', message);
  if (code === 'WEIR_COUNTERS') return new Violation(7, 'counters do not balance', message);
  return new Violation(6, `the run ended with ${code}`, message);
}
