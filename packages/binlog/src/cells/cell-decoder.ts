import type { BatchWriter } from '@weir/sdk';

/** A column as a TABLE_MAP event describes it. */
export interface BinlogColumn {
  /** MYSQL_TYPE_* as the event has it, before the real type of STRING columns is looked up in `meta`. */
  readonly type: number;
  /** The type's metadata, two bytes as the event has them, the first in the low byte (0 where a type has none; one byte in the low byte). */
  readonly meta: number;
  readonly nullable: boolean;
  /** Null where the server sent no optional metadata. */
  readonly name: string | null;
  readonly unsigned: boolean;
  /** Collation id of text, enum and set columns; null where not known. 63 is binary. */
  readonly collation: number | null;
  /** Of enum and set columns, in the column's character set as sent; null where not known. */
  readonly values: readonly Uint8Array[] | null;
  /** Geometry type, or dimensions of a vector; null for others. */
  readonly detail: number | null;
}

/** Reads one value. Made once for each column of a table version. */
export interface CellDecoder {
  /**
   * Appends the value at `at` to the writer as its next cell, canonical: a range of the slab (`writer.cell`) where its bytes lie there already, otherwise bytes
   * of the spill (`writer.spilledCell`). No byte at or behind `end` is read.
   * @returns the offset behind the value
   * @throws WeirError WEIR_BINLOG_DAMAGED, WEIR_BINLOG_UNSUPPORTED, or of the value (a zero date where they are refused)
   */
  write(data: Uint8Array, at: number, end: number, writer: BatchWriter): number;
  /** The offset behind the value at `at`, with the same checks of its length. */
  pass(data: Uint8Array, at: number, end: number): number;
}
