import { z } from 'zod';

/** What rows that are there already have in a column that is added. */
export type AddedValue =
  /** NULL. */
  | { readonly as: 'null' }
  /** What the type has where nothing is said: a NOT NULL column without a default. */
  | { readonly as: 'implicit' }
  /** A constant of the statement. */
  | { readonly as: 'literal'; readonly text: string }
  /** An expression, the time, a number of its own for each row. */
  | { readonly as: 'unknown' };

/** What one statement does to the columns of a table; all of it at once, as the server does it. */
export interface Alteration {
  readonly drops: readonly string[];
  readonly renames: readonly { readonly from: string; readonly to: string }[];
  readonly adds: readonly { readonly column: string; readonly value: AddedValue }[];
  /** Why rows may have changed that nothing says anything of; null when they have not. */
  readonly again: string | null;
}

const name = z.string().min(1);

const addedValue: z.ZodType<AddedValue> = z.discriminatedUnion('as', [
  z.strictObject({ as: z.enum(['null', 'implicit', 'unknown']) }),
  z.strictObject({ as: z.literal('literal'), text: z.string() }),
]) as z.ZodType<AddedValue>;

/** As a checkpoint has it. */
export const alterationState: z.ZodType<Alteration> = z.strictObject({
  drops: z.array(name),
  renames: z.array(z.strictObject({ from: name, to: name })),
  adds: z.array(z.strictObject({ column: name, value: addedValue })),
  again: z.string().nullable(),
});

/** A column behind some alterations. */
export interface TracedColumn {
  readonly name: string;
  /** Which column it was before them; null for one that was added. */
  readonly origin: number | null;
  /** What rows of before have in it; null where it was there. */
  readonly value: AddedValue | null;
}

/** Which columns a table has behind alterations, in no order. Names are compared as the server does, whatever their case. */
export function traceColumns(names: readonly string[], alterations: readonly Alteration[]): TracedColumn[] {
  let columns = names.map((each, origin): TracedColumn => ({ name: each, origin, value: null }));
  for (const { drops, renames, adds } of alterations) {
    columns = columns
      .filter((column) => !drops.some((each) => isSameName(each, column.name)))
      .map((column) => {
        const renamed = renames.find(({ from }) => isSameName(from, column.name));
        return renamed === undefined ? column : { ...column, name: renamed.to };
      });
    for (const { column, value } of adds) {
      // IF NOT EXISTS.
      if (!columns.some((each) => isSameName(each.name, column))) columns.push({ name: column, origin: null, value });
    }
  }
  return columns;
}

export function isSameName(a: string, b: string): boolean {
  return a === b || a.toLowerCase() === b.toLowerCase();
}
