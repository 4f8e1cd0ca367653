// Reads a backlog with the source of Weir in this process, throws the batches away, and tells how many rows came.
import { sourceOf } from '../backlog.ts';
import { readOrder, timed } from '../told.ts';

const { url, checkpoint, catchUpAt } = await readOrder();
const abort = new AbortController();
const source = sourceOf(url, catchUpAt);
const head = await source.head(abort.signal);
await timed(async () => {
  await using session = await source.open(checkpoint, abort.signal);
  session.finishAt(head);
  let rows = 0;
  for await (const batch of session.batches(abort.signal)) {
    rows += batch.rows;
    batch.release();
  }
  return rows;
});
