import type { TestServer } from './test-server.ts';
import { arrayCaseOf, arrayCases } from './type-cases/arrays.ts';
import { extensionCases } from './type-cases/extensions.ts';
import { numberCases } from './type-cases/numbers.ts';
import { ownCases, ownTypes } from './type-cases/own-types.ts';
import { placeCases } from './type-cases/places.ts';
import { rangeCases } from './type-cases/ranges.ts';
import { systemCases } from './type-cases/system.ts';
import { textCases } from './type-cases/texts.ts';
import { timeCases } from './type-cases/times.ts';
import type { PostgresTypeCase } from './type-cases/type-case.ts';

/** Every type that a column can have, with its edge values, and arrays of them. */
const scalars: readonly PostgresTypeCase[] = [
  ...numberCases,
  ...textCases,
  ...timeCases,
  ...placeCases,
  ...rangeCases,
  ...systemCases,
  ...ownCases,
  ...extensionCases,
];
const everything = [...scalars, ...arrayCases, ...scalars.filter(({ arrays }) => arrays).map(arrayCaseOf)];

/** Those that the server has: what came with a later version and extensions that are not installed are left out. */
export function typeCasesOf({ version, extensions }: TestServer): PostgresTypeCase[] {
  return everything.filter(
    ({ since, extension }) => version >= since && (extension === null || extensions.includes(extension)),
  );
}

/** Statements that make the types of the cases. */
export function typeDefinitions(cases: readonly PostgresTypeCase[]): string {
  const extensions = new Set(cases.map(({ extension }) => extension).filter((extension) => extension !== null));
  return [...[...extensions].map((extension) => `CREATE EXTENSION ${extension}`), ownTypes].join(';\n');
}
