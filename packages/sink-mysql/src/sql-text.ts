import { quoteIdentifier, quoteLiteral } from '@weir/mysql';

/** A table's full name at the sink; what other databases call a schema is a database here. */
export interface QualifiedName {
  readonly schema: string;
  readonly table: string;
}

/** A name in SQL, quoted. */
export const identifier: (name: string) => string = quoteIdentifier;

/** A text in SQL, quoted. */
export const literal: (text: string) => string = quoteLiteral;

/** `` `schema`.`table` `` */
export function qualified(name: QualifiedName): string {
  return `${identifier(name.schema)}.${identifier(name.table)}`;
}

/** `schema.table`, for people; not quoted. */
export function nameText(name: QualifiedName): string {
  return `${name.schema}.${name.table}`;
}
