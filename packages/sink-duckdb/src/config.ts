import { byteSize } from '@weir/sdk';
import { z } from 'zod';

/**
 * What becomes of decimals that DuckDB's DECIMAL cannot hold: those without a bound, and those of more than 38 digits.
 *
 * - `varchar`: text with the source's digits. A NaN or an infinity in a DECIMAL column makes that column VARCHAR, too
 * - `double`: DOUBLE, which rounds to about 17 digits
 * - `error`: the table is refused
 * - a precision and scale: DECIMAL of these; a value that does not fit stops
 */
export type Decimals = 'varchar' | 'double' | 'error' | { readonly precision: number; readonly scale: number };

export interface DuckdbConfig {
  /** The database file; made when it is missing, its folder must exist. */
  readonly path: string;
  /** DuckDB's own memory limit in bytes; the pipeline's share by default. */
  readonly memory_limit?: number | undefined;
  /** DuckDB's threads; one per core by default. */
  readonly threads?: number | undefined;
  /** `varchar` by default. */
  readonly decimals?: Decimals | undefined;
  /** Where changes of rows of a large mirror go first; `table` by default. */
  readonly changes?: 'table' | 'delta' | undefined;
}

const bounded = z
  .strictObject({ precision: z.int().min(1).max(38), scale: z.int().min(0).max(38) })
  .refine(({ precision, scale }) => scale <= precision, { message: 'scale must be at most precision', path: ['scale'] });

export const duckdbConfig: z.ZodType<DuckdbConfig> = z.strictObject({
  path: z.string().min(1).describe('The database file. It is made when it is missing; its folder must exist.'),
  memory_limit: byteSize.optional().describe("DuckDB's own memory limit, for example 1GiB."),
  threads: z.int().min(1).max(1024).optional().describe("DuckDB's threads; one per core by default."),
  changes: z
    .enum(['table', 'delta'])
    .optional()
    .describe(
      'Where updates and deletes of a mirror of a million rows or more go: into the table (the default), or first into a ' +
        'table of their own (delta), which makes those of random keys cheap; the table is a view then.',
    ),
  decimals: z
    .union([z.enum(['varchar', 'double', 'error']), bounded])
    .optional()
    .describe(
      "What becomes of decimals that DuckDB's DECIMAL cannot hold (without a bound, or of more than 38 digits): varchar " +
        '(the default, exact), double (rounded), error (refused), or the precision and scale to hold them with.',
    ),
});
