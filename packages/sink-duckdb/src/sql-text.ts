import { WeirError } from '@weir/sdk';

/** A name in SQL, quoted: `"order"`. */
export function identifier(name: string): string {
  return `"${whole(name).replaceAll('"', '""')}"`;
}

/** A text in SQL, quoted: `'it''s'`. DuckDB knows no other escape in it. */
export function literal(text: string): string {
  return `'${whole(text).replaceAll("'", "''")}'`;
}

/** DuckDB takes SQL as a C string, which a NUL would end early. */
function whole(text: string): string {
  if (text.includes('\0')) throw new WeirError('WEIR_SDK_USE', 'a name or text for SQL holds a NUL character');
  return text;
}

/**
 * A table's full name. The database is always named: without it a schema called as the file (`shop.duckdb` and schema
 * `shop`), or `temp`, would be ambiguous or mean another database.
 */
export interface QualifiedName {
  readonly database: string;
  readonly schema: string;
  readonly table: string;
}

export function qualified(name: QualifiedName): string {
  return `${identifier(name.database)}.${identifier(name.schema)}.${identifier(name.table)}`;
}

/** A name as DuckDB compares names: ASCII letters are the same in both cases, others are not. */
export function foldName(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
