import type { Shard } from '@weir/sdk';

/** A table's full name at the sink; what MySQL calls a database is a schema here. */
export interface QualifiedName {
  readonly schema: string;
  readonly table: string;
}

/** How a dialect writes names and texts in SQL. */
export interface Quoting {
  /** A name, quoted: `"order"`. */
  readonly identifier: (name: string) => string;
  /** A text, quoted: `'it''s'`. */
  readonly literal: (text: string) => string;
  /** `"schema"."table"` */
  readonly qualified: (name: QualifiedName) => string;
}

/** `schema.table`, for people; not quoted. */
export function nameText(name: QualifiedName): string {
  return `${name.schema}.${name.table}`;
}

/** `pipeline = … AND sink = …`: which rows of Weir's tables belong to a sink. */
export function sinkIs({ literal }: Quoting, { pipeline, sink }: Pick<Shard, 'pipeline' | 'sink'>): string {
  return `pipeline = ${literal(pipeline)} AND sink = ${literal(sink)}`;
}
