import { NO_TABLE, Op, type Batch, type Chunk, type Commit } from './batch.ts';
import { BatchWriter } from './batch-writer.ts';
import { WeirError } from './errors.ts';
import type { LogicalType } from './logical-type.ts';
import type { Checkpoint, Json } from './position.ts';
import type { SchemaChange, Table } from './table.ts';

/** Stands for a cell that the source did not send because it did not change. */
export const unchanged: unique symbol = Symbol('unchanged');

/** A value that {@link BatchBuilder} turns into a canonical cell. Objects and arrays become JSON text. */
export type CellValue = Json | bigint | Date | Uint8Array | typeof unchanged;
/** A row as a plain object; a column that is missing is NULL. */
export type RowValues = Readonly<Record<string, CellValue>>;

const encoder = new TextEncoder();

/** Builds batches from plain objects: for pollers, transforms and tests. Decoders use `BatchWriter`. */
export class BatchBuilder {
  readonly #writer = new BatchWriter();
  #commit: Commit | null = null;
  #commitIndex = 0;
  #commitSequence = -1;
  #ordinal = 0;
  #chunk: { table: Table; chunk: Omit<Chunk, 'table'> } | null = null;

  get rows(): number {
    return this.#writer.rows;
  }

  /** Starts a transaction; the rows that follow belong to it and are numbered from 1. */
  begin(commit: Commit): this {
    this.#commit = commit;
    this.#commitSequence = -1;
    this.#ordinal = 0;
    return this;
  }

  schemaChange(change: SchemaChange): this {
    this.#writer.addSchemaChange(change);
    return this;
  }

  insert(table: Table, after: RowValues): this {
    return this.#row(Op.insert, table, after, null);
  }

  /** @param before the old key, or the whole old row; null when the key did not change and the source sends no image */
  update(table: Table, after: RowValues, before: RowValues | null = null): this {
    return this.#row(Op.update, table, after, before);
  }

  delete(table: Table, before: RowValues): this {
    return this.#row(Op.delete, table, null, before);
  }

  read(table: Table, after: RowValues): this {
    return this.#row(Op.read, table, after, null);
  }

  truncate(table: Table): this {
    return this.#row(Op.truncate, table, null, null);
  }

  message(prefix: string, content: Uint8Array): this {
    this.#begin(Op.message, NO_TABLE);
    this.#writer.beginAfter();
    this.#bytes(encoder.encode(prefix));
    this.#bytes(content);
    return this;
  }

  /** Marks the batch as a chunk of a snapshot of `table`. */
  chunk(table: Table, chunk: Omit<Chunk, 'table'>): this {
    this.#chunk = { table, chunk };
    return this;
  }

  /** Ends the batch; the builder is then empty and the transaction goes on. */
  build(checkpoint: Checkpoint | null): Batch {
    const chunk = this.#chunk && { ...this.#chunk.chunk, table: this.#writer.tableIndex(this.#chunk.table) };
    this.#chunk = null;
    return this.#writer.close(checkpoint, { chunk });
  }

  #begin(op: Op, table: number): void {
    if (this.#commit === null) throw new WeirError('WEIR_SDK_USE', 'a row was added before begin(commit)');
    if (this.#commitSequence !== this.#writer.sequence) {
      this.#commitIndex = this.#writer.addCommit(this.#commit);
      this.#commitSequence = this.#writer.sequence;
    }
    this.#writer.beginRow(op, table, this.#commitIndex, ++this.#ordinal);
  }

  #row(op: Op, table: Table, after: RowValues | null, before: RowValues | null): this {
    this.#begin(op, this.#writer.tableIndex(table));
    if (after !== null) {
      this.#writer.beginAfter();
      this.#image(table, after);
    }
    if (before !== null) {
      this.#writer.beginBefore();
      this.#image(table, before);
    }
    return this;
  }

  #image(table: Table, values: RowValues): void {
    for (const column of table.columns) {
      const value = values[column.name];
      if (value === unchanged) this.#writer.unchangedCell();
      else if (value === null || value === undefined) this.#writer.nullCell();
      else this.#bytes(canonicalCell(value, column.type));
    }
  }

  #bytes(bytes: Uint8Array): void {
    this.#writer.cell(this.#writer.append(bytes), bytes.length);
  }
}

/** The canonical bytes of a value other than NULL and unchanged. Numbers beyond 2^53 are given as bigint or text. */
export function canonicalCell(value: Exclude<CellValue, null | typeof unchanged>, type: LogicalType): Uint8Array {
  if (value instanceof Uint8Array) return value;
  return encoder.encode(canonicalText(value, type));
}

function canonicalText(value: Exclude<CellValue, null | typeof unchanged>, type: LogicalType): string {
  if (typeof value === 'string' || typeof value === 'bigint') return String(value);
  if (type.kind === 'json') return JSON.stringify(value);
  if (value instanceof Date) return canonicalDate(value, type);
  if (typeof value === 'boolean') return value ? 't' : 'f';
  if (typeof value === 'number') return canonicalNumber(value, type);
  return JSON.stringify(value, nonFiniteAsText);
}

/** JSON has no NaN and no infinities: an array holds them as text. */
function nonFiniteAsText(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

function canonicalNumber(value: number, type: LogicalType): string {
  if (Object.is(value, -0) && type.kind === 'float') return '-0';
  const text = String(value);
  return type.kind === 'decimal' ? withoutExponent(text) : text;
}

/** `1.5e-7` as `0.00000015`. */
function withoutExponent(text: string): string {
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (!match) return text;
  const [, sign = '', whole = '', fraction = '', exponent] = match;
  const digits = whole + fraction;
  const point = 1 + Number(exponent);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return `${sign}${digits.padEnd(point, '0')}`;
}

function canonicalDate(value: Date, type: LogicalType): string {
  // JavaScript writes years after 9999 as `+010000`.
  const iso = value.toISOString().replace(/^\+0*/, '');
  if (type.kind === 'date') return iso.slice(0, iso.indexOf('T'));
  const text = iso.replace(/\.?0*Z$/, '');
  return type.kind === 'timestamptz' ? `${text}Z` : text;
}
