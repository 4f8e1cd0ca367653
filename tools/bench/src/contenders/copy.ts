// Copies a table with the source of Weir in this process, throws the batches away, and tells how many rows came.
import { text } from 'node:stream/consumers';
import { postgres } from '@weir/source-postgres';
import { timed } from '../told.ts';

const { url, table, pipeline } = JSON.parse(await text(process.stdin)) as { url: string; table: string; pipeline: string };
const abort = new AbortController();
const source = postgres({ url, tables: [table], without_key: 'insert_only' }, { pipeline });
const session = await source.open(null, abort.signal);
await timed(async () => {
  let rows = 0;
  for await (const batch of session.batches(abort.signal)) {
    rows += batch.rows;
    batch.release();
    // What comes behind the last chunk is not of the copy.
    if (batch.chunk?.last === true) break;
  }
  return rows;
});
await session[Symbol.asyncDispose]();
