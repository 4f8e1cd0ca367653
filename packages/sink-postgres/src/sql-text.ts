import { quoteIdentifier, quoteLiteral } from '@weir/postgres';
import { WeirError } from '@weir/sdk';
import type { QualifiedName, Quoting } from '@weir/sql-sink';

/** A name in SQL, quoted: `"order"`. */
export function identifier(name: string): string {
  return quoteIdentifier(whole(name));
}

/** A text in SQL, quoted: `'it''s'`. Sessions have standard_conforming_strings on, so a backslash is one. */
export function literal(text: string): string {
  return quoteLiteral(whole(text));
}

/** `"schema"."table"` */
export function qualified(name: QualifiedName): string {
  return `${identifier(name.schema)}.${identifier(name.table)}`;
}

export const quoting: Quoting = { identifier, literal, qualified };

/** The protocol ends a statement at a NUL. */
function whole(text: string): string {
  if (text.includes('\0')) throw new WeirError('WEIR_SDK_USE', 'a name or text for SQL holds a NUL character');
  return text;
}
