// The floor: asks for the stream of a slot, walks over its frames, and counts changed rows until the last commit.
import { connect, Wire } from '@weir/postgres';
import { secret } from '@weir/sdk';
import { readOrder, timed } from '../told.ts';
import { isChange } from './change-kind.ts';

const COPY_DATA = 0x64;
const XLOG_DATA = 0x77;
const COMMIT = 0x43;
const ERROR_RESPONSE = 0x45;
/** Type and length of a frame, and what comes before the message of the output plugin. */
const FRAME_HEADER = 5;
const XLOG_HEADER = 25;

const { url, slot, publication, rows } = await readOrder();
const client = await connect({ url: secret.parse(url) }, new AbortController().signal, { replication: true });
await timed(async () => {
  await using wire = new Wire(client, { gathers: true });
  await new Promise<void>((resolve, reject) => {
    let changes = 0;
    let rest: Uint8Array = new Uint8Array();
    const message = (kind: number): void => {
      if (isChange(kind)) changes++;
      else if (kind === COMMIT && changes >= rows) resolve();
    };
    wire.onFailure = reject;
    wire.onData = (chunk) => {
      const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let at = 0;
      while (data.length - at >= FRAME_HEADER) {
        const end = at + 1 + data.readInt32BE(at + 1);
        if (end > data.length) break;
        if (data[at] === ERROR_RESPONSE) reject(new Error(data.toString('latin1', at, end)));
        if (data[at] === COPY_DATA && data[at + FRAME_HEADER] === XLOG_DATA) message(data[at + FRAME_HEADER + XLOG_HEADER]!);
        at = end;
      }
      // A chunk is valid until this returns.
      rest = Buffer.from(data.subarray(at));
    };
    wire.query(`START_REPLICATION SLOT ${slot} LOGICAL 0/0 (proto_version '1', publication_names '${publication}')`);
  });
  return rows;
});
