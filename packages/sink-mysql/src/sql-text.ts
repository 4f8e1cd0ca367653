import { quoteIdentifier, quoteLiteral } from '@weir/mysql';
import type { QualifiedName, Quoting } from '@weir/sql-sink';

/** A name in SQL, quoted. */
export const identifier: (name: string) => string = quoteIdentifier;

/** A text in SQL, quoted. */
export const literal: (text: string) => string = quoteLiteral;

/** `` `schema`.`table` `` */
export function qualified(name: QualifiedName): string {
  return `${identifier(name.schema)}.${identifier(name.table)}`;
}

export const quoting: Quoting = { identifier, literal, qualified };
