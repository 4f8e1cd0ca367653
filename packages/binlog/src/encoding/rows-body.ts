import { EventType } from '../event-type.ts';
import { ByteBuilder } from './byte-builder.ts';

/** A value as the log has it; null is NULL, undefined is a column that the image does not have. */
export type SentValue = Uint8Array | null | undefined;

/** An after image with differences of JSON values. */
export interface SentPartial {
  /** For each JSON column of the table, whether its value is differences; null: no value is. */
  readonly bits: readonly boolean[] | null;
}

/** A row: the before image of an update or a delete, the after image of an insert or an update. */
export interface SentRow {
  readonly before?: readonly SentValue[];
  readonly after?: readonly SentValue[];
  readonly partial?: SentPartial;
}

export interface SentRows {
  readonly type: EventType;
  readonly tableId: number;
  readonly columns: number;
  readonly rows: readonly SentRow[];
  /** The last event of its statement; true by default. */
  readonly endsStatement?: boolean;
  /** What a cluster or a partition says, in events of version 2. */
  readonly extra?: Uint8Array;
}

const withoutExtra: readonly number[] = [EventType.writeRowsV1, EventType.updateRowsV1, EventType.deleteRowsV1];

/** The body of an event of rows. All rows have their images' columns in common. */
export function rowsBody({ type, tableId, columns, rows, endsStatement = true, extra = new Uint8Array(0) }: SentRows): Uint8Array {
  const body = new ByteBuilder().uint(tableId, 6).uint16(endsStatement ? 1 : 0);
  if (!withoutExtra.includes(type)) body.uint16(extra.length + 2).bytes(extra);
  body.packed(columns);
  const [first] = rows;
  for (const image of [first?.before, first?.after]) if (image !== undefined) body.bits(image.map((value) => value !== undefined));
  for (const { before, after, partial } of rows) {
    if (before !== undefined) writeImage(body, before);
    if (partial !== undefined) body.packed(partial.bits === null ? 0 : 1).bits(partial.bits ?? []);
    if (after !== undefined) writeImage(body, after);
  }
  return body.done();
}

function writeImage(body: ByteBuilder, values: readonly SentValue[]): void {
  body.bits(values.filter((value) => value !== undefined).map((value) => value === null));
  for (const value of values) if (value != null) body.bytes(value);
}
