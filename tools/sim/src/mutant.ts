import type { ScenarioName } from './scenarios.ts';

/** A change of the text of a file. */
export interface Edit {
  /** From the root of the workspace. */
  readonly file: string;
  /** Occurs exactly once in it. */
  readonly find: string;
  readonly replace: string;
}

/** A broken variant of what runs in a history. It has to be caught, or the simulator is blind. */
export interface Mutant {
  readonly name: string;
  /** What it breaks. */
  readonly about: string;
  /** The invariant that goes with it, see docs/invariants.md; what a history sees first may be another. */
  readonly invariant: number;
  /** Where it is looked for. */
  readonly scenario: ScenarioName;
  /** The first seed that is played; 1 by default. A rare one is looked for where it is known to show. */
  readonly from?: number;
  /** How many seeds from there on it is caught within. */
  readonly within: number;
  readonly edits: readonly Edit[];
}
