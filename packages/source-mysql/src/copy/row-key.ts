import { NO_IMAGE, type Batch, type BatchWriter, type Key, type Table } from '@weir/sdk';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The key of a row of a batch, by its new image; null when a part of it is NULL. */
export function keyAt(batch: Batch, table: Table, row: number): Key | null {
  const first = batch.after[row]!;
  return keyOf(table, (column) => {
    const length = batch.length[first + column]!;
    const start = batch.start[first + column]!;
    return length < 0 ? null : batch.data.subarray(start, start + length);
  });
}

/** The key in an image of the row that was written last; null when there is no image, or a part of the key is not in it. */
export function keyOfImage(writer: BatchWriter, table: Table, image: number): Key | null {
  if (image === NO_IMAGE) return null;
  return keyOf(table, (column) => {
    const cell = writer.cellAt(image + column);
    return typeof cell === 'number' ? null : cell;
  });
}

/** A key as one text, which no other key has. */
export function keyText(key: Key): string {
  return key.length === 1 ? key[0]! : JSON.stringify(key);
}

function keyOf({ columns, key }: Table, cellOf: (column: number) => Uint8Array | null): Key | null {
  const cells: string[] = [];
  for (const column of key) {
    const bytes = cellOf(column);
    if (bytes === null) return null;
    const isBytes = columns[column]!.type.kind === 'bytes';
    cells.push(isBytes ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex') : decoder.decode(bytes));
  }
  return cells;
}
