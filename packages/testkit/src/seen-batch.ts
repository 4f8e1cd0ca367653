import {
  NO_TABLE,
  RowCursor,
  tableName,
  unchanged,
  type Batch,
  type Checkpoint,
  type Commit,
  type KeyRange,
  type ImageCursor,
  type Op,
  type SchemaChange,
  type Table,
} from '@weir/sdk';

/** A cell's bytes as Latin-1 text, so that any bytes compare exactly. */
export type SeenCell = string | null | typeof unchanged;

/** A row copied out of a batch. */
export interface SeenRow {
  readonly op: Op;
  /** `namespace.name`; empty for a logical message. */
  readonly table: string;
  /** `Commit.position`. */
  readonly position: string;
  readonly ordinal: number;
  readonly version: bigint;
  readonly time: number;
  readonly transactionId: string;
  readonly after: readonly SeenCell[] | null;
  readonly before: readonly SeenCell[] | null;
}

/** See `Chunk`; `table` is its `namespace.name`. */
interface SeenChunk {
  readonly table: string;
  readonly range: KeyRange | null;
  readonly compare?: boolean;
  readonly last: boolean;
}

/** A batch copied out, so that the original can be released. */
export interface SeenBatch {
  readonly rows: readonly SeenRow[];
  readonly tables: readonly Table[];
  readonly schemaChanges: readonly SchemaChange[];
  readonly commits: readonly Commit[];
  /** Set when the rows are part of a copy. */
  readonly chunk: SeenChunk | null;
  readonly checkpoint: Checkpoint | null;
  readonly skipped: number;
  readonly bytes: number;
}

/** Copies a batch out. It is not released. */
export function seeBatch(batch: Batch): SeenBatch {
  const { chunk } = batch;
  return {
    rows: seeRows(batch),
    tables: batch.tables,
    schemaChanges: batch.schemaChanges,
    commits: batch.commits,
    chunk: chunk && { ...chunk, table: tableName(batch.tables[chunk.table]!) },
    checkpoint: batch.checkpoint,
    skipped: batch.skipped,
    bytes: batch.bytes,
  };
}

function seeRows(batch: Batch): SeenRow[] {
  return Array.from(new RowCursor(batch), (row) => {
    const isMessage = batch.table[row.row] === NO_TABLE;
    const cells = isMessage ? 2 : row.table.columns.length;
    const { position, version, time, transactionId } = row.commit;
    return {
      op: row.op,
      table: isMessage ? '' : tableName(row.table),
      position,
      ordinal: row.ordinal,
      version,
      time,
      transactionId,
      after: seeImage(row.after, cells),
      before: seeImage(row.before, cells),
    };
  });
}

function seeImage(image: ImageCursor, cells: number): SeenCell[] | null {
  if (!image.exists) return null;
  return Array.from({ length: cells }, (_, column) => {
    if (image.isNull(column)) return null;
    return image.isUnchanged(column) ? unchanged : latin1(image.bytes(column)!);
  });
}

/** Bytes, or the UTF-8 bytes of a text, as a cell is seen. */
export function latin1(bytes: Uint8Array | string): string {
  return (
    typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  ).toString('latin1');
}
