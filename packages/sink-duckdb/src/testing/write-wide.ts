/**
 * A process that writes a row into a table of many columns, which it makes the first time: `node write-wide.ts PATH`.
 * `WEIR_CRASH_AT` kills it on the way.
 */
import { batch, checkpointAt, openSession } from '@weir/testkit/orders';
import { makeSink } from './temporary-database.ts';
import { wideRow, wideTable } from './wide.ts';

// The memory of a machine that has more than the one that opens the file after this.
const session = await openSession(makeSink(process.argv[2]!, { memoryBytes: 2 ** 30 }));
const checkpoint = await session.recover();
const number = checkpoint === null ? 1 : Number(checkpoint.position) + 1;
await session.write(
  batch(number, (rows) => {
    if (checkpoint === null) rows.schemaChange({ table: wideTable, change: 'create' });
    rows.insert(wideTable, wideRow(number));
  }),
);
await session.commit(checkpointAt(number));
await session[Symbol.asyncDispose]();
