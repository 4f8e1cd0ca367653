// Floor: a COPY of a table on one connection, whose bytes are thrown away.
import { text } from 'node:stream/consumers';
import { connect, Wire } from '@weir/postgres';
import { secret } from '@weir/sdk';
import { timed } from '../told.ts';

const READY_FOR_QUERY = 0x5a;

const { url, table, rows } = JSON.parse(await text(process.stdin)) as { url: string; table: string; rows: number };
await using wire = new Wire(await connect({ url: secret.parse(url) }, new AbortController().signal));
await timed(async () => {
  await new Promise<void>((resolve, reject) => {
    wire.onFailure = reject;
    // ReadyForQuery is the last message, of six bytes.
    wire.onData = (chunk) => {
      if (chunk.length >= 6 && chunk[chunk.length - 6] === READY_FOR_QUERY) resolve();
    };
    wire.query(`COPY ${table} TO STDOUT`);
  });
  return rows;
});
