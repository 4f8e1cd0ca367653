import { engineMutants } from './engine-mutants.ts';
import type { Mutant } from './mutant.ts';
import { sourceMutants } from './source-mutants.ts';

/** All broken variants. */
export const mutants: readonly Mutant[] = [...engineMutants, ...sourceMutants];
