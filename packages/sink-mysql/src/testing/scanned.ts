import { RowCursor, type Sink, type Table } from '@weir/sdk';

/** The rows that a sink's scan gives, as text, in the order of their first cell's text. */
export async function scanned(sink: Pick<Sink, 'scan'>, table: Table): Promise<(string | null)[][]> {
  const rows: (string | null)[][] = [];
  for await (const batch of sink.scan!(table, new AbortController().signal)) {
    for (const row of new RowCursor(batch)) rows.push(table.columns.map((_, column) => row.after.text(column)));
    batch.release();
  }
  return rows.sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));
}
