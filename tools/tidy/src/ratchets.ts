import type { CitationRatchet } from './invariant-citations.ts';
import type { LengthLimits, LengthRatchet } from './lengths.ts';

// What is not yet as it should be. An entry may be lowered or removed, never raised or added; the checks demand that one
// goes as soon as it is not needed any more.

export const lengthLimits: LengthLimits = { file: 350, testFile: 600, function: 60 };

export const lengthRatchet: LengthRatchet = {};

export const citationRatchet: CitationRatchet = { notInCode: [], notInTests: [] };
