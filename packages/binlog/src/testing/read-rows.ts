import { RowCursor, unchanged, type Batch, type ImageCursor } from '@weir/sdk';

/** A cell's bytes as Latin-1 text, so that any bytes compare exactly. */
export type ReadCell = string | null | typeof unchanged;

/** A row copied out of a batch. */
export interface ReadRow {
  readonly op: number;
  /** `name@version`. */
  readonly table: string;
  /** `Commit.position`. */
  readonly position: string;
  readonly ordinal: number;
  readonly after: readonly ReadCell[] | null;
  readonly before: readonly ReadCell[] | null;
}

/** Copies the rows out of a batch, whose memory may be reused afterwards. */
export function readRows(batch: Batch): ReadRow[] {
  return Array.from(new RowCursor(batch), (row) => {
    const cells = row.table.columns.length;
    return {
      op: row.op,
      table: `${row.table.name}@${row.table.version}`,
      position: row.commit.position,
      ordinal: row.ordinal,
      after: readImage(row.after, cells),
      before: readImage(row.before, cells),
    };
  });
}

function readImage(image: ImageCursor, cells: number): ReadCell[] | null {
  if (!image.exists) return null;
  return Array.from({ length: cells }, (_, column) => {
    if (image.isNull(column)) return null;
    return image.isUnchanged(column) ? unchanged : latin1(image.bytes(column)!);
  });
}

export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
