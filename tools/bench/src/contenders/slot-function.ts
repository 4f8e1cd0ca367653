// What reading past the WAL sender could give: the changes of a slot by the server's SQL function, in pieces of the log, over
// COPY. Counts changed rows, and keeps nothing. The slot is a temporary copy, which moves on with each piece.
import { connect, Wire } from '@weir/postgres';
import { formatLsn, parseLsn } from '@weir/pgoutput';
import { secret } from '@weir/sdk';
import { readOrder, timed } from '../told.ts';
import { isChange } from './change-kind.ts';

const COPY_DATA = 0x64;
const ERROR_RESPONSE = 0x45;
const READY_FOR_QUERY = 0x5a;
/** Type and length of a frame; number of columns and length of the only one. */
const FRAME_HEADER = 5;
const ROW_HEADER = 6;
/** Before the first row: signature, flags and length of an extension. https://www.postgresql.org/docs/current/sql-copy.html */
const FILE_HEADER = 19;
const PIECE_BYTES = 64n << 20n;
const SLOT = 'bench_piece';

const { url, slot, publication, end } = await readOrder();
const client = await connect({ url: secret.parse(url) }, new AbortController().signal);
await timed(async () => {
  const { rows: copied } = await client.query<{ lsn: string }>(
    `SELECT lsn FROM pg_copy_logical_replication_slot('${slot}', '${SLOT}', true)`,
  );
  await using wire = new Wire(client);
  const last = parseLsn(end);
  let changes = 0;
  for (let at = parseLsn(copied[0]!.lsn); at < last; ) {
    at = at + PIECE_BYTES < last ? at + PIECE_BYTES : last;
    changes += await readPiece(wire, formatLsn(at));
  }
  return changes;
});

async function readPiece(wire: Wire, upTo: string): Promise<number> {
  let changes = 0;
  let rest: Uint8Array = new Uint8Array();
  let isFirst = true;
  await new Promise<void>((resolve, reject) => {
    wire.onFailure = reject;
    wire.onData = (chunk) => {
      const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let at = 0;
      while (data.length - at >= FRAME_HEADER) {
        const frameEnd = at + 1 + data.readInt32BE(at + 1);
        if (frameEnd > data.length) break;
        const type = data[at];
        if (type === ERROR_RESPONSE) reject(new Error(data.toString('latin1', at, frameEnd)));
        if (type === COPY_DATA) {
          const row = at + FRAME_HEADER + (isFirst ? FILE_HEADER : 0);
          isFirst = false;
          if (isChange(data[row + ROW_HEADER])) changes++;
        }
        at = frameEnd;
        if (type === READY_FOR_QUERY) resolve();
      }
      // A chunk is valid until this returns.
      rest = Buffer.from(data.subarray(at));
    };
    const options = `'proto_version', '1', 'publication_names', '${publication}'`;
    wire.query(
      `COPY (SELECT data FROM pg_logical_slot_get_binary_changes('${SLOT}', '${upTo}', NULL, ${options})) TO STDOUT (FORMAT binary)`,
    );
  });
  return changes;
}
