import type { LogicalType } from '@weir/sdk';
import type { TypeCase } from '@weir/testkit';

/** A column of the table of edge values, with what PostgreSQL is given for each cell. */
export interface PostgresTypeCase extends TypeCase {
  readonly sqlType: string;
  /** SQL expressions, one for each cell. */
  readonly values: readonly string[];
  /** The first version that has the type and these values. */
  readonly since: number;
  /** The extension that brings the type; null for those of the server itself, or made by a statement. */
  readonly extension: string | null;
  /** Whether a column of arrays of these values is made as well. */
  readonly arrays: boolean;
}

/** A value and its canonical cell. */
export type Pair = readonly [sql: string, cell: string | Uint8Array | null];

export function typeCase(
  column: string,
  sqlType: string,
  type: LogicalType,
  pairs: readonly Pair[],
  options: { readonly since?: number; readonly extension?: string; readonly arrays?: boolean } = {},
): PostgresTypeCase {
  const { since = 14, extension = null, arrays = true } = options;
  return {
    column,
    sqlType,
    type,
    values: pairs.map(([sql]) => sql),
    cells: pairs.map(([, cell]) => cell),
    since,
    extension,
    arrays,
  };
}

/** Literals that are their own canonical text. */
export function same(...texts: string[]): Pair[] {
  return texts.map((text) => [`'${text.replaceAll("'", "''")}'`, text]);
}

export function arrayOf(of: LogicalType): LogicalType {
  return { kind: 'array', of };
}
