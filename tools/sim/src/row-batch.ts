import { textCell } from '@weir/postgres';
import { BatchWriter, Op, emptyBatch, type Batch } from '@weir/sdk';
import type { CapturedTable } from '@weir/source-postgres/parts';

const writer = new BatchWriter();
const encoder = new TextEncoder();
const unknownCommit = { position: '', version: 0n, time: 0, transactionId: '' };

/** Rows as a COPY brings them: text of the server that becomes canonical cells as in the real reader (invariant 9). */
export function rowBatch({ binding }: NonNullable<CapturedTable['shaped']>, rows: readonly (readonly (string | null)[])[]): Batch {
  if (rows.length === 0) return emptyBatch(null);
  const commit = writer.addCommit(unknownCommit);
  for (const [index, cells] of rows.entries()) {
    writer.beginRow(Op.read, writer.tableIndex(binding.table), commit, index + 1);
    writer.beginAfter();
    for (const [column, cell] of cells.entries()) {
      if (cell === null) {
        writer.nullCell();
        continue;
      }
      const bytes = encoder.encode(cell);
      textCell(writer, binding.rewrites[column]!, writer.append(bytes), bytes.length);
    }
  }
  return writer.close(null);
}
